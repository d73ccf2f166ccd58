import { ErrorBody, causeOf } from './meshkiln-error.ts';

/** How a person says which edge a command is for, for its usage. */
export const whichEdge =
  'MESHKILN_URL (default http://127.0.0.1:8787) and MESHKILN_ADMIN_KEY (default mk_local_admin) say which edge.';

/** The JSON answer to an operator's call; throws for any that is not 2xx, and after `secondsMax`. */
export async function adminCall(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  { body, secondsMax }: { body?: unknown; secondsMax: number },
): Promise<unknown> {
  const url = process.env.MESHKILN_URL ?? 'http://127.0.0.1:8787';
  const response = await fetch(new URL(path, url), {
    method,
    headers: { authorization: `Bearer ${process.env.MESHKILN_ADMIN_KEY ?? 'mk_local_admin'}` },
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
  try {
    const { error } = ErrorBody.parse(JSON.parse(text));
    return `${error.message} (${error.code})`;
  } catch {
    return text.slice(0, 500);
  }
}
