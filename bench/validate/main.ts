// `npm run validate`: speed, accuracy, security and optimisation, each checked for real; exits 1 when one fails.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifestMemory, memoryManifests } from '../../edge/cache/memory.ts';
import { realModel } from '../../test/gpu-origin/pipeline/real-model.ts';
import { attacks } from '../../test/security/attacks.ts';
import { runAttacks } from '../../test/security/run-attacks.ts';
import { evaluatePictures } from '../evaluate/pictures.ts';
import { printFindings } from '../harness/print.ts';
import { record, type Findings } from '../harness/result.ts';
import { manifestOf } from '../harness/stored.ts';
import { benchBatching } from '../origin/batching.ts';
import { EvaluateRecord, recordedQuality, sampleHolds, servedIsWritten } from './accuracy.ts';
import { evictionPays, evictionTrace, flightIsSingle } from './optimisation.ts';
import { observePrograms, type Observed } from './programs.ts';
import { attacksAreRefused } from './security.ts';
import { hitsAreFast, tierIsFast } from './speed.ts';

const repository = join(import.meta.dirname, '../..');
const samplePictures = 4;

const observed = await observePrograms();
const components: Record<string, () => Promise<Findings>> = {
  speed: () => speed(observed),
  accuracy: () => accuracy(observed),
  security,
  optimisation: () => optimisation(observed),
};

const recorded = await record('validate', async () => {
  const rows: Record<string, unknown>[] = [];
  const bounds: Findings['bounds'] = [];
  for (const [component, check] of Object.entries(components)) {
    const found = await check();
    rows.push(...found.rows.map((row) => ({ component, ...row })));
    bounds.push(...found.bounds.map((bound) => ({ ...bound, what: `${component}: ${bound.what}` })));
  }
  return { rows, bounds };
});
printFindings('validate', recorded);
if (recorded.bounds.some(({ met }) => !met)) process.exitCode = 1;

async function speed({ times }: Observed): Promise<Findings> {
  const { bounds, row } = hitsAreFast(times);
  const now = () => Date.now();
  const tier = memoryManifests(manifestMemory(now), now);
  return { rows: [row], bounds: [...bounds, ...(await tierIsFast(tier, await manifestOf('0'.repeat(64))))] };
}

async function accuracy({ served }: Observed): Promise<Findings> {
  const evaluated = EvaluateRecord.parse(
    JSON.parse(readFileSync(new URL('../results/evaluate.json', import.meta.url), 'utf8')),
  );
  const bisque = await realModel('bisque');
  const { results } = await evaluatePictures(bisque, samplePictures);
  // The default model is shipped as fp32 alone, and a parity on a GPU needs one.
  const parity = { parity: `${bisque.model.manifest.name} has no fp16 files: nothing to compare` };
  return {
    rows: [parity],
    bounds: [...servedIsWritten(served), ...recordedQuality(evaluated), ...sampleHolds(results)],
  };
}

/** Each attack of docs/security.md on a real Worker or origin. */
async function security(): Promise<Findings> {
  const outcomes = await runAttacks(repository, attacks);
  const through = outcomes.filter(({ result }) => result !== 'passed');
  return {
    rows: through.map(({ attack, result }) => ({ attack: attack.attack, result })),
    bounds: attacksAreRefused(outcomes),
  };
}

async function optimisation({ crowd }: Observed): Promise<Findings> {
  const batching = await benchBatching();
  return {
    rows: batching.rows,
    bounds: [...evictionPays(evictionTrace()).bounds, ...flightIsSingle(crowd).bounds, ...batching.bounds],
  };
}
