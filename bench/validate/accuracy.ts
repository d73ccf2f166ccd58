import { createHash } from 'node:crypto';
import { z } from 'zod';
import { atLeast, exactly, type Bound } from '../harness/result.ts';
import { spread } from '../harness/spread.ts';

/** Bytes as they were fetched from one URL, and the digest of those that the origin sent for the same mesh. */
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
  model: z.object({ id: z.string(), digest: z.string() }),
  bounds: z.array(z.object({ what: z.string(), measured: z.number(), bound: z.string(), met: z.boolean() })),
});

export type EvaluateRecord = z.infer<typeof EvaluateRecord>;

/** The recorded bounds as they are, what evaluate missed included, if they are of the model with this digest. */
export function recordedQuality({ model, bounds }: EvaluateRecord, shippedDigest: string): Bound[] {
  return [
    ...bounds.map((bound) => ({ ...bound, what: `recorded by evaluate: ${bound.what}` })),
    atLeast('bounds that evaluate recorded', bounds.length, 1),
    exactly('models evaluated that are the shipped one', model.digest === shippedDigest ? 1 : 0, 1),
  ];
}

/**
 * Whether each fp16 file of the model was held against its fp32 one. The default model has none; one that gets some needs
 * a parity that is measured here first.
 */
export function halvesHold(fp16Files: number): Bound[] {
  return [exactly('fp16 files of the default model that nothing is compared with', fp16Files, 0)];
}

/** A mesh that was made just now, examined as evaluate does. */
export type Examined = {
  silhouette: number;
  watertight: boolean;
  manifold: boolean;
  triangles: number;
  errors: number;
  warnings: number;
};

/** Whether a few meshes made now are as good as the recorded ones were. */
export function sampleHolds(sample: readonly Examined[]): Bound[] {
  return [
    atLeast('sample: meshes made', sample.length, 1),
    atLeast('sample: worst silhouette, IoU', spread(sample.map(({ silhouette }) => silhouette)).least, 0.95),
    exactly(
      'sample: meshes that are not closed and manifold',
      sample.filter(({ watertight, manifold, triangles }) => !watertight || !manifold || triangles === 0).length,
      0,
    ),
    exactly(
      'sample: errors and warnings of the glTF validator',
      sample.reduce((sum, { errors, warnings }) => sum + errors + warnings, 0),
      0,
    ),
  ];
}
