import { z } from 'zod';
import { parseSecret } from '../secret.ts';

const secretCharactersMin = 16;

const Origin = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be a short lower-case name'),
  /** Base URL without a slash at its end. */
  url: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, '')),
  secrets: z.tuple([z.string().min(secretCharactersMin)]).rest(z.string().min(secretCharactersMin)),
});

/** A GPU origin that this edge may call and that may call it; the first secret signs, each one verifies. */
export type Origin = z.infer<typeof Origin>;

/** Reads the `ORIGINS` secret; throws an Error that names the secret but holds no value of it. */
export function parseOrigins(text: string): readonly Origin[] {
  return parseSecret('ORIGINS', z.array(Origin), text);
}
