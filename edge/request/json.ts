import type { z } from 'zod';
import { readBody } from '../http/body.ts';
import { invalidParameter } from './invalid.ts';
import { parseJson } from '../http/parse-json.ts';

/** An operator's call has no picture in it. */
const bodyBytesMax = 16 * 1024;

/** Reads a small JSON body by its schema. Throws the Problem that names what is wrong. */
export async function readJson<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  return parse(schema, parseJson(await readBody(request, bodyBytesMax)));
}

/** Parses a value by its schema. Throws the Problem that names the wrong parameter. */
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidParameter(parsed.error);
}
