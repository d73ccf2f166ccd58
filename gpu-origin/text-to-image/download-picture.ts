import { isIP } from 'node:net';
import { Agent, request, type Dispatcher } from 'undici';
import { isPublicAddress } from '../../contract/public-address.ts';
import { imageLimits } from '../../contract/request.ts';
import { readBounded } from '../outgoing/bounded-body.ts';
import { publicLookup } from '../outgoing/public-lookup.ts';

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
  if (!own && (url.protocol !== 'https:' || isInside(url.hostname))) {
    throw new Error(`a picture is not fetched from ${url.origin}`);
  }
  const { statusCode, body } = await request(url, { dispatcher: own ? dispatcher : outside, signal });
  const bytes = await readBounded(body, imageLimits.fileBytesMax);
  if (statusCode !== 200) throw new Error(`${url.origin} answered ${statusCode} for the picture`);
  return bytes;
}

/** Whether a host is written as an address that is not public; what a name stands for is seen when it is looked up. */
function isInside(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  return isIP(bare) !== 0 && !isPublicAddress(bare);
}
