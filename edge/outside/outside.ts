import { requirePublicName } from './public-name.ts';

/** Time limit of a whole exchange with a client's server, redirects and bodies included, in milliseconds. */
export const outsideMsMax = 10_000;

type OutsideRequest = {
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string;
  signal: AbortSignal;
};

/**
 * Calls a client's server at a URL that `publicUrl` accepted. Redirects are returned, not followed. Rejects when the
 * name has an address that is not public, or the server gives no answer.
 */
export type Outside = (url: URL, request: OutsideRequest) => Promise<Response>;

/** Where the local proxy is bound. */
type Binding = { fetch(url: string, request: OutsideRequest & { redirect: 'manual' }): Promise<Response> };

/**
 * The local proxy sets this header on an answer that stands for no answer. It drops the header from servers' own
 * answers.
 */
export const unreachableHeader = 'meshkiln-unreachable';

/**
 * The way to servers that clients name. On Cloudflare a Worker cannot reach private networks, and the name is also
 * checked by DNS over HTTPS. On a machine of one's own, `binding` leads to a proxy that resolves, checks and pins the
 * name.
 */
export function openOutside(binding: Binding | undefined): Outside {
  return binding === undefined ? throughCloudflare : (url, request) => throughBinding(binding, url, request);
}

async function throughCloudflare(url: URL, request: OutsideRequest): Promise<Response> {
  await requirePublicName(url.hostname, request.signal);
  return fetch(url, { ...request, redirect: 'manual', cache: 'no-store' });
}

async function throughBinding(binding: Binding, url: URL, request: OutsideRequest): Promise<Response> {
  const answer = await binding.fetch(url.href, { ...request, redirect: 'manual' });
  if (!answer.headers.has(unreachableHeader)) return answer;
  await answer.body?.cancel();
  throw new Error('the local way out gave no answer');
}
