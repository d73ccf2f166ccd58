// `npm start`: both programs on this machine, until Ctrl-C or SIGTERM.
import { signInLink } from '../contract/sign-in.ts';
import { isFree } from './free-port.ts';
import { hold, isHeld, untilFree } from './hold.ts';
import { startPrograms } from './programs.ts';
import { edgeUrl, localSettings, type LocalSettings } from './settings.ts';

/** How long the programs of an `npm start` that was killed are waited for: an origin may take that long to drain. */
const endOfOthersMsMax = 60_000;

const asked = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => asked.abort());
try {
  await start(asked.signal);
} catch (error) {
  if (!asked.signal.aborted) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}

async function start(signal: AbortSignal): Promise<void> {
  const settings = localSettings();
  await takeState(settings);
  await checkPorts(settings);
  const programs = await startPrograms(settings, printLine, signal);
  tellAddresses(settings);
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  await programs.stop();
}

function printLine(program: string, line: string): void {
  console.log(`${program.padEnd(6)} ${line}`);
}

function tellAddresses(settings: LocalSettings): void {
  const { publicUrl } = settings;
  const elsewhere = process.env['EDGE_PORT'] === undefined ? '' : `MESHKILN_URL=${edgeUrl(settings)} `;
  console.log(`
Meshkiln is up at ${edgeUrl(settings)}${publicUrl === '' ? '' : `, by its proxy at ${publicUrl}`}
  open   ${signInLink(`${publicUrl || edgeUrl(settings)}/`, settings.adminKey)}
  key    npm run -s key
  state  ${settings.stateFolder}
  try    ${elsewhere}npm run mesh -- picture.png -o mesh.glb
  more   npm run help
Ctrl-C ends both programs.`);
}

/** Takes the state folder for this process; what an `npm start` that was killed has left is waited for. */
async function takeState({ stateFolder }: LocalSettings): Promise<void> {
  if (!(await hold(stateFolder, 'start'))) {
    throw new Error(
      `${stateFolder} is in use by another npm start: end that one, or set MESHKILN_STATE to another folder`,
    );
  }
  const parts = ['edge', 'origin'] as const;
  const held = await Promise.all(parts.map((part) => isHeld(stateFolder, part)));
  if (held.includes(true)) console.log('The programs of an earlier npm start are still ending; waiting for them …');
  const ended = await Promise.all(parts.map((part) => untilFree(stateFolder, part, endOfOthersMsMax)));
  if (ended.includes(false)) {
    throw new Error(
      `programs of an earlier npm start still use ${stateFolder}: end them (local/edge.ts, local/origin.ts)`,
    );
  }
}

/** What listens there already would be taken for ours. */
async function checkPorts({ edgePort, originPort }: LocalSettings): Promise<void> {
  if (edgePort === originPort) throw new Error(`EDGE_PORT and ORIGIN_PORT are both ${edgePort}`);
  for (const [name, port] of Object.entries({ EDGE_PORT: edgePort, ORIGIN_PORT: originPort })) {
    if (!(await isFree(port))) throw new Error(`port ${port} is in use: end what listens there, or set ${name}`);
  }
}
