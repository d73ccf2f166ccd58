import { z } from 'zod';

/** Reads a secret that is a JSON text; throws an Error that names the secret but holds no value of it. */
export function parseSecret<T>(name: string, schema: z.ZodType<T>, text: string | undefined): T {
  if (text === undefined) throw new Error(`the secret ${name} is not set`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`the secret ${name} is not JSON`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`the secret ${name} is not valid: ${where.join('; ')}`);
}
