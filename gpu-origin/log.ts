import { pino } from 'pino';
import { traceFields } from './trace.ts';

type Fields = Record<string, string | number | boolean | null | undefined>;

const logger = pino({
  base: null,
  timestamp: () => `,"time":"${new Date().toISOString()}"`,
  formatters: { level: (level) => ({ level }) },
  mixin: traceFields,
  // Nothing logs these; should something come to, their values stay out.
  redact: ['authorization', 'secret', 'token', '*.authorization', '*.secret', '*.token'],
});

/** Writes one line of JSON to standard output, a warning where there is a cause; image bytes never go in. */
export function log(event: string, fields: Fields = {}): void {
  const warns = fields['cause'] !== undefined && fields['cause'] !== null;
  logger[warns ? 'warn' : 'info']({ event, ...fields });
}

/** The text of whatever was thrown, with its causes, for a log or an operator. */
export function causeText(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const text = thrown.message === '' ? thrown.name : thrown.message;
  return thrown.cause === undefined ? text : `${text}: ${causeText(thrown.cause)}`;
}
