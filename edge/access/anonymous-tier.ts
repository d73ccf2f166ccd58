import { z } from 'zod';

/** What may be asked without a key: nothing, or what needs no tenant. */
const AnonymousTier = z.enum(['off', 'on']);
export type AnonymousTier = z.infer<typeof AnonymousTier>;

/** Reads the `ANONYMOUS_TIER` variable; throws an Error that names it. */
export function parseAnonymousTier(text: string): AnonymousTier {
  const parsed = AnonymousTier.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new Error(`ANONYMOUS_TIER is "${text}", not one of ${AnonymousTier.options.join(', ')}`);
}
