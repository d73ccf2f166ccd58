import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

type Asked = { call: string; authorization: string | undefined; body: unknown };

/** An edge that gives these answers in their order, then 500, and what it was asked. */
export async function edge(...answers: { status?: number; body: unknown }[]): Promise<{ asked: Asked[]; url: string }> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    asked.push({ call: `${request.method} ${request.url}`, authorization: request.headers.authorization, body });
    const answer = answers[asked.length - 1] ?? { status: 500, body: {} };
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body));
  });
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Runs a command of `client/` for the edge at `url`, with the key "mk_operator". */
export async function run(
  command: 'keys-command.ts' | 'index-command.ts',
  { url, args }: { url: string; args: readonly string[] },
): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const file = fileURLToPath(new URL(`../../client/${command}`, import.meta.url));
  const env = { ...process.env, MESHKILN_URL: url, MESHKILN_ADMIN_KEY: 'mk_operator' };
  const child = spawn(process.execPath, [file, ...args], { env });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => (output.stdout += String(text)));
  child.stderr.on('data', (text) => (output.stderr += String(text)));
  const [code] = (await once(child, 'close')) as unknown[];
  return { code, ...output };
}
