import { z } from 'zod';
import { keyOfMeshId } from '../../contract/key.ts';
import type { ListOptions } from '../tenant/calls.ts';
import { parse } from './json.ts';

/** Entries on a page of a list: by default, and at most. */
const pageEntries = 20;
const pageEntriesMax = 100;

const PageLimit = z
  .string()
  .regex(/^\d{1,3}$/, 'must be a number')
  .transform(Number)
  .pipe(z.number().min(1).max(pageEntriesMax))
  .default(pageEntries)
  .meta({
    description: 'Entries on a page.',
    override: ({ jsonSchema }) => {
      delete jsonSchema.pattern;
      Object.assign(jsonSchema, { type: 'integer', minimum: 1, maximum: pageEntriesMax, default: pageEntries });
    },
  });

/** The query of the list of webhook deliveries. */
export const DeliveriesQuery = z.strictObject({
  limit: PageLimit,
  after: z
    .string()
    .regex(/^msg_[0-9a-f-]{36}$/, 'must be the id of a delivery')
    .optional()
    .describe('The id that the page before ended with.'),
});

/** The query of the list of meshes. */
export const ListQuery = z.strictObject({
  limit: PageLimit,
  order: z.enum(['asc', 'desc']).default('desc').describe('By when you first asked for them.'),
  after: z
    .string()
    .refine((id) => keyOfMeshId(id) !== null, 'must be the id of a mesh')
    .transform(keyOfMeshId)
    .optional()
    .describe('The id that the page before ended with.')
    .transform((key) => key ?? null),
});

/** Reads the query of a list. Throws the Problem that names the wrong parameter. */
export function readListQuery(query: Record<string, string>): ListOptions {
  const { limit, order, after: afterKey } = parse(ListQuery, query);
  return { limit, order, afterKey };
}
