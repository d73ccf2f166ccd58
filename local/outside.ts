import { lookup as resolveName } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import { Agent, buildConnector, request as send } from 'undici';
import { isPublicAddress } from '../contract/public-address.ts';
import { outsideMsMax, unreachableHeader } from '../edge/outside/outside.ts';
import { publicUrl } from '../edge/outside/public-url.ts';

export type OutsideOptions = {
  /** Every address that a name has at this moment. */
  resolve: (name: string) => Promise<{ address: string; family: number }[]>;
  /** Whether a connection to an address may be made. */
  permits: (address: string) => boolean;
  /** Makes connections to the addresses that `lookup` gives. */
  connector: (lookup: LookupFunction) => buildConnector.connector;
};

/** The way out of a machine that stands in a network of its own: the public internet and nothing else. */
export const publicInternet: OutsideOptions = {
  resolve: (name) => resolveName(name, { all: true }),
  permits: isPublicAddress,
  connector: (lookup) => buildConnector({ lookup, timeout: outsideMsMax }),
};

/** Headers that the edge sends outside; those that the runtime adds on the way stay here. */
const forwardedHeaders: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'content-type',
  'user-agent',
  'webhook-id',
  'webhook-signature',
  'webhook-timestamp',
]);

/** Headers of an answer that the edge is given; no other says anything that it would believe. */
const passedHeaders = ['content-length', 'location', 'retry-after'] as const;

/** Statuses whose answers have no body (Fetch §2.2.3). */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * Makes the handler behind the edge's `OUTSIDE` binding. A name is resolved once, every address that it has must be
 * permitted, and the connection goes to those very addresses: a name that changes meanwhile changes nothing.
 */
export function createOutside(options: OutsideOptions): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      return await exchange(request, options);
    } catch (error) {
      // The path may be a secret of its own, as webhooks' often are.
      console.warn(`${new URL(request.url).hostname} was not reached: ${String(error)}`);
      return new Response(null, { status: 502, headers: { [unreachableHeader]: 'true' } });
    }
  };
}

async function exchange(request: Request, { resolve, permits, connector }: OutsideOptions): Promise<Response> {
  // A host that is an address would be connected to without a lookup.
  const url = publicUrl(request.url);
  if (url === null) throw new Error('not a public https URL');
  const addresses = await resolve(url.hostname);
  // defence: API7-7
  if (!addresses.every(({ address }) => permits(address)))
    throw new Error('the name has an address that is not public');
  // defence: API7-6
  const lookup: LookupFunction = (_name, _options, done) => done(null, addresses);
  // defence: API10-2
  const { statusCode, headers, body } = await send(url, {
    dispatcher: new Agent({ connect: connector(lookup) }),
    method: request.method as 'GET' | 'POST',
    headers: [...request.headers].filter(([name]) => forwardedHeaders.has(name)).flat(),
    body: request.body === null ? null : new Uint8Array(await request.arrayBuffer()),
    signal: AbortSignal.timeout(outsideMsMax),
    reset: true, // one connection an exchange, since each name is checked anew
  });
  const answer = new Headers();
  for (const name of passedHeaders) {
    const value = headers[name];
    if (typeof value === 'string') answer.set(name, value);
  }
  if (bodiless.has(statusCode)) await body.dump();
  const stream = bodiless.has(statusCode) ? null : (Readable.toWeb(body) as ReadableStream<Uint8Array>);
  return new Response(stream, { status: statusCode, headers: answer });
}
