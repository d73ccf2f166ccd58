import { createHash } from 'node:crypto';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { JobResult } from '../../contract/job.ts';

/** What stands between an origin and its edge, passes every call on as it is, and remembers what was written back. */
export type Witness = {
  url: string;
  /** SHA-256 of the bytes that the origin sent as the asset of this request key; throws when it sent none. */
  assetOf(key: string): string;
  close(): void;
};

/** Listens on loopback for an origin whose calls go to this edge. */
export async function startWitness(edgeUrl: string): Promise<Witness> {
  /** By the name that each had in its call: what its bytes truly hash to. */
  const blobs = new Map<string, string>();
  const results = new Map<string, JobResult>();

  const remember = (path: string, body: Buffer) => {
    const [, kind, name = ''] = /^\/origin\/(blobs|results)\/(\w+)/.exec(path) ?? [];
    if (kind === 'blobs') blobs.set(name, createHash('sha256').update(body).digest('hex'));
    if (kind === 'results') results.set(name, JobResult.parse(JSON.parse(body.toString())));
  };
  const server = createServer((incoming, response) => {
    passOn(edgeUrl, incoming, response, remember).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    assetOf(key) {
      const result = results.get(key);
      const sent = result?.outcome === 'completed' ? blobs.get(result.manifest.asset.sha256) : undefined;
      if (sent === undefined) throw new Error(`the origin sent no asset for ${key}`);
      return sent;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function passOn(
  edgeUrl: string,
  incoming: IncomingMessage,
  response: ServerResponse,
  remember: (path: string, body: Buffer) => void,
): Promise<void> {
  const { method, url: path = '', headers } = incoming;
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  if (method === 'PUT') remember(path, body);
  const passed = request(edgeUrl + path, { method, headers: { ...headers, host: new URL(edgeUrl).host } });
  passed.end(body);
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    passed.once('response', resolve).once('error', reject);
  });
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  answer.pipe(response);
}
