import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MeshManifest } from '../../contract/mesh.ts';
import { manifestMemory, memoryManifests } from '../../edge/store/memory.ts';
import type { Tier } from '../../edge/store/tiers.ts';
import { realModel } from '../../test/gpu-origin/pipeline/real-model.ts';
import { attacks } from '../../test/security/attacks.ts';
import { runAttacks, type Outcome } from '../../test/security/run-attacks.ts';
import type { EvictionPolicy, EvictionTrace } from '../eviction-replay.ts';
import { evaluatePictures } from '../evaluate/pictures.ts';
import { manifestOf } from '../harness/stored.ts';
import { compareBatching } from '../origin/batching.ts';
import { EvaluateRecord, type Examined } from './accuracy.ts';
import { evictionTrace, type BatchingRow } from './optimisation.ts';
import { observePrograms, type ObservedPrograms } from './programs.ts';

const repository = join(import.meta.dirname, '../..');
const samplePictures = 4;

/** All that the four components are judged by. */
export type Observations = ObservedPrograms & {
  /** A tier in this process, and a manifest to keep in it. */
  tier: Tier<MeshManifest>;
  manifest: MeshManifest;
  /** What `npm run evaluate` recorded, the digest of the model that is shipped now, and a few meshes that it made now. */
  evaluated: EvaluateRecord;
  shippedDigest: string;
  /** Files in fp16 of that model. */
  fp16Files: number;
  sample: Examined[];
  /** Each attack of docs/security.md on a real Worker or origin. */
  attacks: Outcome[];
  /** A generated trace of requests, and the policy whose ranking the edge evicts by; the edge itself is not observed. */
  evictionTrace: EvictionTrace;
  evictionPolicy: EvictionPolicy;
  batching: BatchingRow[];
};

/** Runs everything for real, one after the other, so that nothing is measured beside anything else. */
export async function observe(): Promise<Observations> {
  const programs = await observePrograms();
  const now = () => Date.now();
  const bisque = await realModel('bisque');
  return {
    ...programs,
    tier: memoryManifests(manifestMemory(now), now),
    manifest: await manifestOf('0'.repeat(64)),
    evaluated: EvaluateRecord.parse(
      JSON.parse(readFileSync(new URL('../results/evaluate.json', import.meta.url), 'utf8')),
    ),
    shippedDigest: bisque.model.digest,
    fp16Files: Object.values(bisque.model.manifest.graphs).flatMap(({ variants }) => variants ?? []).length,
    sample: (await evaluatePictures(bisque, samplePictures)).results,
    attacks: await runAttacks(repository, attacks),
    evictionTrace: evictionTrace(),
    evictionPolicy: 'greedy-dual-size-frequency',
    batching: await compareBatching(),
  };
}
