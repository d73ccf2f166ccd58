import { ownNames } from '../../contract/own-machine.ts';
import { Problem } from '../../contract/problem.ts';
import { traceHeaders } from '../../contract/trace.ts';
import { openHeaders } from '../http/cors.ts';
import { traceOf } from '../request-context.ts';
import { defaultHeaders } from '../http/security-headers.ts';

/** Headers that a proxy adds: RFC 7239, RFC 9110 §7.6.3, RFC 8586, and what proxies sent before those. */
const forwarding = /^(?:forwarded|via|cdn-loop|x-real-ip|true-client-ip|x-forwarded-.+|cf-.+)$/;

const setting = 'set MESHKILN_PUBLIC_URL to the URL of the proxy in front (docs/proxies.md)';

/**
 * The door of an edge on somebody's own machine: gives the request to answer, or the answer that refuses it. Such an edge
 * answers what asks for it by a name of the machine. `publicUrl` is the URL at which a proxy shows it to others, empty
 * where none does; requests for that URL come in too, and get it as their own, scheme included. A deployed edge has
 * `undefined`, and no door.
 */
export function passLocalDoor(request: Request, publicUrl: string | undefined): Request | Response {
  if (publicUrl === undefined) return request;
  const url = new URL(request.url);
  const shown = publicUrl === '' ? null : new URL(publicUrl);
  const why = whyRefused(request.headers, url, shown);
  if (why !== null) return refusal(request, why);
  // The proxy speaks http to this edge; links in answers must be those of its clients.
  return url.host === shown?.host ? new Request(shown.origin + url.pathname + url.search, request) : request;
}

/** What is wrong with where a request comes from, null where nothing is. */
function whyRefused(headers: Headers, { host, hostname }: URL, shown: URL | null): string | null {
  const isShown = host === shown?.host;
  // defence: API2-13
  if (!isShown && !ownNames.has(hostname)) return `This edge is not at ${host}: ${setting}.`;
  const page = headers.get('origin');
  // defence: API2-4
  if (page !== null && !isOwnPage(page, shown)) return `Pages of ${page} may not call this edge: ${setting}.`;
  if (isShown) return null;
  for (const name of headers.keys()) {
    // defence: API2-14
    if (forwarding.test(name)) return throughProxy(name, shown);
  }
  return null;
}

function throughProxy(header: string, shown: URL | null): string {
  return shown === null
    ? `A proxy has sent this ("${header}"), and this edge answers its own machine alone: ${setting}.`
    : `The proxy must send "Host: ${shown.host}" (docs/proxies.md).`;
}

function isOwnPage(page: string, shown: URL | null): boolean {
  return page === shown?.origin || (URL.canParse(page) && ownNames.has(new URL(page).hostname));
}

function refusal(request: Request, why: string): Response {
  const problem = new Problem('local_only', why);
  const headers = {
    ...defaultHeaders,
    ...openHeaders,
    'cache-control': 'no-store',
    [traceHeaders.requestId]: traceOf(request.headers).requestId,
  };
  return Response.json(problem.body(), { status: problem.status, headers });
}
