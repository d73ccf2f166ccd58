import { Webhook } from 'standardwebhooks';
import { retryAfterMs } from '../../contract/retry-after.ts';
import { outsideMsMax, type Outside } from '../outside/outside.ts';
import { publicUrl } from '../outside/public-url.ts';

/** An event on its way to one receiver. */
export type Message = { id: string; url: string; body: string };

/** Outcome of one attempt. `status` is null if there was no answer. */
export type Sent =
  | { is: 'delivered'; status: number }
  | { is: 'refused'; status: number }
  | { is: 'failed'; status: number | null; retryAfterSeconds: number };

/** The receiver wants no more (RFC 9110 §15.5.11). */
const gone = 410;

const retryAfterSecondsMax = 3600;

/**
 * Sends an event once, signed with each secret as Standard Webhooks says. Id and body stay the same over all attempts.
 * The timestamp is the attempt's, since receivers refuse old ones. Redirects are not followed.
 */
export async function send(
  { id, url, body }: Message,
  { secrets, outside }: { secrets: readonly string[]; outside: Outside },
): Promise<Sent> {
  const to = publicUrl(url);
  if (to === null) throw new Error('a webhook was taken that may not be sent; this is a bug');
  const now = new Date();
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Meshkiln',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': secrets
      .map((secret) => /* defence: API2-11 */ new Webhook(secret).sign(id, now, body))
      .join(' '),
  };
  try {
    const answer = await outside(to, { method: 'POST', headers, body, signal: AbortSignal.timeout(outsideMsMax) });
    // defence: API7-9
    await answer.body?.cancel();
    return outcomeOf(answer);
  } catch {
    return { is: 'failed', status: null, retryAfterSeconds: 0 };
  }
}

function outcomeOf({ ok, status, headers }: Response): Sent {
  if (ok) return { is: 'delivered', status };
  if (status === gone) return { is: 'refused', status };
  const askedSeconds = (retryAfterMs(headers.get('retry-after')) ?? 0) / 1000;
  return { is: 'failed', status, retryAfterSeconds: Math.min(askedSeconds, retryAfterSecondsMax) };
}
