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
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`The edge answered ${response.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text);
}
