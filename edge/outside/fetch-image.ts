import { Problem } from '../../contract/problem.ts';
import { imageLimits } from '../../contract/request.ts';
import { readBody } from '../http/body.ts';
import { outsideMsMax, type Outside } from './outside.ts';
import { publicUrl } from './public-url.ts';

const redirectsMax = 3;

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** The only headers a picture's server receives: nothing about the client. */
const headers = { accept: 'image/*', 'accept-encoding': 'identity', 'user-agent': 'Meshkiln' };

/**
 * Fetches a client's picture URL. Every redirect is checked like the URL itself. Throws the Problems
 * `invalid_image_url`, `image_fetch_failed` and `body_too_large`.
 */
export async function fetchImage(text: string, outside: Outside): Promise<Uint8Array<ArrayBuffer>> {
  const url = publicUrl(text);
  if (url === null) {
    const message = 'The image must be a data URL or a public https URL: a host name, no port and no credentials.';
    throw new Problem('invalid_image_url', message, { param: 'image' });
  }
  const signal = AbortSignal.timeout(/* defence: API4-13 */ outsideMsMax);
  try {
    return await bytesOf(await followed(url, { outside, signal }));
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw signal.aborted
      ? failed(`it did not arrive within ${outsideMsMax / 1000} s`, cause)
      : failed('its server cannot be reached at a public address', cause);
  }
}

async function followed(first: URL, { outside, signal }: { outside: Outside; signal: AbortSignal }): Promise<Response> {
  let url = first;
  for (let hops = 0; ; hops++) {
    const answer = await outside(url, { method: 'GET', headers, signal });
    if (answer.ok) return answer;
    await answer.body?.cancel();
    const location = redirects.has(answer.status) ? answer.headers.get('location') : null;
    if (location === null) throw failed(`its server answered with status ${answer.status}`);
    if (/* defence: API7-5 */ hops === redirectsMax) throw failed(`it was redirected more than ${redirectsMax} times`);
    const next = /* defence: API7-4 */ publicUrl(location, url);
    if (next === null) throw failed('it redirects to what is not a public https URL');
    url = next;
  }
}

async function bytesOf(answer: Response): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readBody(answer, /* defence: API4-12 */ imageLimits.fileBytesMax);
  } catch (error) {
    await answer.body?.cancel().catch(() => undefined); // it may have failed by itself
    if (!(error instanceof Problem)) throw error;
    const message = `The image may have at most ${imageLimits.fileBytesMax} bytes.`;
    throw new Problem('body_too_large', message, { param: 'image' });
  }
}

function failed(why: string, cause?: unknown): Problem {
  return new Problem('image_fetch_failed', `The image could not be fetched: ${why}.`, { param: 'image', cause });
}
