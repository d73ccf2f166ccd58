import { Agent, request, type Dispatcher } from 'undici';
import { imageLimits } from '../../contract/request.ts';
import { readBounded } from '../outgoing/bounded-body.ts';
import { isPublicAddress, publicLookup } from '../outgoing/public-addresses.ts';

const connectSecondsMax = 5;

/** Connections that end at public addresses alone, whatever a name says by the time that it is used. */
const outside = new Agent({ connect: { timeout: connectSecondsMax * 1000, lookup: publicLookup } });

/**
 * The picture behind a URL that an upstream answered with: of the upstream's own origin, over its own connections, or by
 * https from a public address. No key goes with it, no redirect is followed, and it is bounded as an uploaded picture is.
 */
export async function downloadPicture(
  url: URL,
  { trusted, dispatcher, signal }: { trusted: string; dispatcher: Dispatcher; signal: AbortSignal },
): Promise<Uint8Array> {
  const own = url.origin === trusted;
  if (!own && (url.protocol !== 'https:' || !isPublicAddress(url.hostname))) {
    throw new Error(`a picture is not fetched from ${url.origin}`);
  }
  const { statusCode, body } = await request(url, { dispatcher: own ? dispatcher : outside, signal });
  const bytes = await readBounded(body, imageLimits.fileBytesMax);
  if (statusCode !== 200) throw new Error(`${url.origin} answered ${statusCode} for the picture`);
  return bytes;
}
