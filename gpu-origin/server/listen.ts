import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';
import type { AddressInfo } from 'node:net';
import { Server } from 'node:http';

const connectionsMax = 1024;
const headersMsMax = 10_000;

/** Time for a whole request; 20 MiB at 3 Mbit/s fit in. */
const requestMsMax = 60_000;

/** Serves an app over HTTP/1.1 until `close`; resolves when the port is open, rejects when it cannot be. */
export async function listen(app: Hono, at: { host: string; port: number }) {
  const server = createAdaptorServer({ fetch: app.fetch });
  if (!(server instanceof Server)) throw new Error('the adaptor made no HTTP/1.1 server; this is a bug');
  server.maxConnections = connectionsMax;
  server.headersTimeout = headersMsMax;
  server.requestTimeout = requestMsMax;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      const closed = new Promise((resolve) => void server.close(resolve));
      server.closeAllConnections();
      return closed;
    },
  };
}
