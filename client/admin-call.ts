import { readErrorBody } from '../contract/problem.ts';
import { edgeAccess } from './edge-access.ts';
import { causeOf } from './meshkiln-error.ts';

/** The JSON answer to an operator's call; throws for any that is not 2xx, and after `secondsMax`. */
export async function adminCall(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  { body, secondsMax }: { body?: unknown; secondsMax: number },
): Promise<unknown> {
  const { url, key } = edgeAccess('admin');
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${key}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(secondsMax * 1000),
  }).catch((error: unknown) => {
    throw new Error(`cannot reach ${url}: ${causeOf(error)}`, { cause: error });
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`The edge answered ${response.status}: ${messageOf(text)}`);
  return JSON.parse(text);
}

/** What an error answer says, with its code; the beginning of it where it is nothing of ours. */
function messageOf(text: string): string {
  const error = readErrorBody(text);
  return error === null ? text.slice(0, 500) : `${error.message} (${error.code})`;
}
