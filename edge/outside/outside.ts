import { requirePublicName } from './public-name.ts';

/** Time for a whole exchange with a server that a client named, redirects and bodies included, in milliseconds. */
export const outsideMsMax = 10_000;

type OutsideRequest = {
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string;
  signal: AbortSignal;
};

/**
 * Asks a server that a client named, at a URL that `publicUrl` let pass. Redirects come back as they are. Rejects when
 * the name is not of the public internet alone, or its server gives no answer.
 */
export type Outside = (url: URL, request: OutsideRequest) => Promise<Response>;

/** Set by the local way out on the answer that stands for none; it takes no header of that name from a server. */
export const unreachableHeader = 'meshkiln-unreachable';

/**
 * The way out. On Cloudflare a Worker cannot reach private networks, and the name is checked by DNS over HTTPS besides;
 * on one's own machine `binding` leads to the way out that resolves, checks and pins the name itself.
 */
export function openOutside(binding: Fetcher | undefined): Outside {
  return binding === undefined ? throughCloudflare : (url, request) => throughBinding(binding, url, request);
}

async function throughCloudflare(url: URL, request: OutsideRequest): Promise<Response> {
  await requirePublicName(url.hostname, request.signal);
  return fetch(url, { ...request, redirect: 'manual', cache: 'no-store' });
}

async function throughBinding(binding: Fetcher, url: URL, request: OutsideRequest): Promise<Response> {
  const answer = await binding.fetch(url.href, { ...request, redirect: 'manual' });
  if (!answer.headers.has(unreachableHeader)) return answer;
  await answer.body?.cancel();
  throw new Error('the local way out gave no answer');
}
