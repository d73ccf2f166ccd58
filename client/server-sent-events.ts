/** An event of a stream; `id` is what to send as Last-Event-ID to go on after it. */
export type ServerSentEvent = { id: string; name: string; data: string };

/** A stream that sent nothing, not even a heartbeat, for too long: its connection is dead. */
export class SilentStream extends Error {}

/** Characters of one event, so that a broken server cannot fill the memory. */
const eventCharactersMax = 1024 * 1024;

/**
 * Reads server-sent events (HTML §9.2.6) until the stream ends. Throws SilentStream after `silenceMsMax` without a
 * byte. Comments count as signs of life and are not told.
 */
export async function* serverSentEvents(
  body: ReadableStream<Uint8Array>,
  { silenceMsMax }: { silenceMsMax: number },
): AsyncGenerator<ServerSentEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let fields: string[] = [];
  try {
    for (;;) {
      const chunk = await within(silenceMsMax, reader.read());
      if (chunk.done) return;
      rest += decoder.decode(chunk.value, { stream: true });
      // A line ends with CR, LF or both; a CR at the very end may be the first half of both.
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      if (rest.length > eventCharactersMax) throw new Error('an event of the stream is too long');
      for (const line of lines) {
        if (line !== '') {
          fields.push(line);
          continue;
        }
        const event = eventOf(fields);
        fields = [];
        if (event !== null) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined); // it may have failed by itself
  }
}

/** The event of its lines, null when they have no data: a comment. */
function eventOf(lines: readonly string[]): ServerSentEvent | null {
  const values = (name: string) =>
    lines.flatMap((line) => (line.startsWith(`${name}:`) ? [line.slice(name.length + 1).replace(/^ /, '')] : []));
  const data = values('data');
  if (data.length === 0) return null;
  return { id: values('id').at(-1) ?? '', name: values('event').at(-1) ?? 'message', data: data.join('\n') };
}

async function within<T>(timeMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new SilentStream(`nothing was sent for ${timeMs} ms`)), timeMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
