import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Meshkiln } from '../../client/meshkiln.ts';
import { signInLink } from '../../contract/sign-in.ts';
import { freePort } from '../../local/free-port.ts';
import { startPrograms, type Programs } from '../../local/programs.ts';
import { edgeUrl, localSettings, originUrl, type LocalSettings } from '../../local/settings.ts';

/** Both programs as `npm start` runs them, on free ports with a state folder of their own. */
export type Running = {
  settings: LocalSettings;
  programs: Programs;
  client: Meshkiln;
  edgeUrl: string;
  originUrl: string;
  stateFolder: string;
  /** URL of a page that signs a browser in, as the link of `npm start` does. */
  page(path: string): string;
  /** An operator's call, with the admin key. */
  admin(path: string, init?: RequestInit): Promise<Response>;
  /** Everything both programs printed. */
  log: string[];
  close(): Promise<void>;
};

export async function startMeshkiln(): Promise<Running> {
  const stateFolder = await mkdtemp(join(tmpdir(), 'meshkiln-test-'));
  const settings = localSettings({ stateFolder, edgePort: await freePort(), originPort: await freePort() });
  const log: string[] = [];
  const programs = await startPrograms(settings, (program, line) => log.push(`${program} ${line}`)).catch((error) => {
    throw new Error(log.join('\n'), { cause: error });
  });
  return {
    settings,
    programs,
    client: new Meshkiln({ url: edgeUrl(settings), apiKey: settings.apiKey }),
    edgeUrl: edgeUrl(settings),
    originUrl: originUrl(settings),
    stateFolder,
    page: (path) => signInLink(edgeUrl(settings) + path, settings.adminKey),
    admin: (path, init = {}) =>
      fetch(edgeUrl(settings) + path, {
        ...init,
        headers: { authorization: `Bearer ${settings.adminKey}`, ...init.headers },
      }),
    log,
    async close() {
      await programs.stop();
      await rm(stateFolder, { recursive: true, force: true });
    },
  };
}

export const emojiFolder = join(import.meta.dirname, '../../node_modules/@lobehub/fluent-emoji-3d/assets');

/** Bytes of one of the emoji pictures, by its code point: 256×256 WebP with transparency. */
export async function emoji(codePoint: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(join(emojiFolder, `${codePoint}.webp`)));
}

/** `POST /v1/meshes` as a form, with nothing done for the caller. */
export function post(
  running: Running,
  picture: Uint8Array<ArrayBuffer>,
  options: { fields?: Record<string, string>; headers?: Record<string, string> } = {},
): Promise<Response> {
  const form = new FormData();
  form.set('image', new File([picture], 'picture'));
  for (const [name, value] of Object.entries(options.fields ?? {})) form.set(name, value);
  return fetch(`${running.edgeUrl}/v1/meshes`, {
    method: 'POST',
    headers: { authorization: `Bearer ${running.settings.apiKey}`, ...options.headers },
    body: form,
  });
}

/** Sum of a counter's samples on the origin's metrics page whose labels contain `labels`. */
export async function originCounter(running: Running, name: string, labels = ''): Promise<number> {
  const text = await (await fetch(`${running.originUrl}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(name) && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** Process ids of a process's children whose command line contains `text`. */
export async function childrenOf(pid: number, text: string): Promise<number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  const found: number[] = [];
  for (const child of list.trim().split(/\s+/).filter(Boolean)) {
    const command = await readFile(`/proc/${child}/cmdline`, 'utf8');
    if (command.includes(text)) found.push(Number(child));
  }
  return found;
}
