type Fields = Record<string, string | number | boolean | null | undefined>;

/** Writes one line of JSON to standard output; secrets and image bytes never go in. */
export function log(event: string, fields: Fields = {}): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`);
}

/** The text of whatever was thrown, with its causes, for a log or an operator. */
export function causeText(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const text = thrown.message === '' ? thrown.name : thrown.message;
  return thrown.cause === undefined ? text : `${text}: ${causeText(thrown.cause)}`;
}
