import { createHash } from 'node:crypto';
import { z } from 'zod';
import { atLeast, exactly, type Bound } from '../harness/result.ts';

/** Bytes as they were fetched from one URL, and the digest that they must have. */
export type Served = { url: string; bytes: Uint8Array; sha256: string };

/** Whether every byte that was served is the byte that was written, by its digest. */
export function servedIsWritten(served: readonly Served[]): Bound[] {
  const wrong = served.filter(({ bytes, sha256 }) => createHash('sha256').update(bytes).digest('hex') !== sha256);
  return [
    atLeast('answers whose bytes were compared', served.length, 1),
    exactly('answers with other bytes than were written', wrong.length, 0),
  ];
}

/** The part of `bench/results/evaluate.json` that says what was promised of mesh quality, and what came out. */
export const EvaluateRecord = z.object({
  bounds: z.array(z.object({ name: z.string(), value: z.number(), limit: z.number(), met: z.boolean() })),
});

/** The recorded bounds of mesh quality as they are: what evaluate missed is missed here too. */
export function recordedQuality({ bounds }: z.infer<typeof EvaluateRecord>): Bound[] {
  const recorded = bounds.map(({ name, value, limit, met }) => ({
    what: `recorded by evaluate: ${name}`,
    measured: value,
    bound: String(limit),
    met,
  }));
  return [...recorded, atLeast('bounds that evaluate recorded', bounds.length, 1)];
}

/** A mesh that was made just now, examined as evaluate does. */
export type Examined = { silhouette: number; watertight: boolean; manifold: boolean; errors: number; warnings: number };

/** Whether a few meshes made now are as good as the recorded ones were. */
export function sampleHolds(sample: readonly Examined[]): Bound[] {
  return [
    atLeast('sample: worst silhouette, IoU', Math.min(...sample.map(({ silhouette }) => silhouette)), 0.95),
    exactly(
      'sample: meshes that are not closed and manifold',
      sample.filter(({ watertight, manifold }) => !watertight || !manifold).length,
      0,
    ),
    exactly(
      'sample: errors and warnings of the glTF validator',
      sample.reduce((sum, { errors, warnings }) => sum + errors + warnings, 0),
      0,
    ),
  ];
}
