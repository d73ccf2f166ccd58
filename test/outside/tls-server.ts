import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buildConnector } from 'undici';
import type { OutsideOptions } from '../../local/outside.ts';

const read = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8');

/** The certificate of every server of the tests: pictures.example, elsewhere.example, hooks.example. Its key is no secret. */
const certificate = read('certificate.pem');
const key = read('key.pem');

export type TlsServer = { port: number; /** Connections that it was asked for. */ connections: number; close(): void };

/** A real https server on a loopback address. */
export async function startTlsServer(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  { host = '127.0.0.1', port = 0 }: { host?: string; port?: number } = {},
): Promise<TlsServer> {
  const server = createServer({ key, cert: certificate }, handle);
  const running: TlsServer = {
    port: 0,
    connections: 0,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  server.on('connection', () => (running.connections += 1));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  running.port = (server.address() as AddressInfo).port;
  return running;
}

/** Connects to a test's server, whatever port the URL has, and believes its certificate. */
export function connectorTo(port: number): OutsideOptions['connector'] {
  return (lookup) => {
    const connect = buildConnector({ lookup, ca: certificate });
    return (options, done) => connect({ ...options, port: String(port) }, done);
  };
}
