import type { z } from 'zod';
import { Problem } from '../../contract/problem.ts';
import { readBody } from './body.ts';
import { invalidParameter } from './invalid.ts';

/** An operator's call has no picture in it. */
const bodyBytesMax = 16 * 1024;

/** Reads a small JSON body by its schema. Throws the Problem that names what is wrong. */
export async function readJson<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  const bytes = await readBody(request, bodyBytesMax);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new Problem('invalid_request', 'The body is not valid JSON.', { cause });
  }
  return parse(schema, value);
}

/** A value by its schema; throws the Problem that names the parameter at fault. */
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidParameter(parsed.error);
}
