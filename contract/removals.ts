import { z } from 'zod';
import { Sha256 } from './digest.ts';

/** Surfaces that one answer names at most; the next call asks for those after them. */
export const removalsPerAnswerMax = 500;

/** A place in the edge's list of removed surfaces: it grows with each, and is never used again for another. */
const Place = z.number().int().nonnegative();

/** Answer of `POST {edge}/origin/reports`: how far the list of removed surfaces goes. */
export const ReportAnswer = z.object({ id: z.string(), removedTo: Place });
export type ReportAnswer = z.infer<typeof ReportAnswer>;

/** Query of `GET {edge}/origin/removals`: the place up to which an origin has forgotten; 0 when it knows of none. */
export const RemovalsQuery = z.object({ after: z.coerce.number().pipe(Place) });

/**
 * Answer of `GET {edge}/origin/removals?after=N`: geometry keys of the surfaces that were removed from R2 after that
 * place, up to the place `to`. `all` when the list does not go back so far: whatever is kept may have been removed.
 */
export const Removals = z.strictObject({
  to: Place,
  all: z.boolean(),
  surfaces: z.array(Sha256).max(removalsPerAnswerMax),
});
export type Removals = z.infer<typeof Removals>;
