import { printFindings } from '../harness/print.ts';
import { record, type Findings } from '../harness/result.ts';
import { halvesHold, recordedQuality, sampleHolds, servedIsWritten } from './accuracy.ts';
import type { Observations } from './observe.ts';
import { batchingPays, evictionPays, flightIsSingle } from './optimisation.ts';
import { attacksAreRefused } from './security.ts';
import { hitsAreFast, tierIsFast } from './speed.ts';

/** Judges what was observed, prints and keeps it; the exit code: 1 when one component fails. */
export async function validate(observe: () => Promise<Observations>, folder?: string): Promise<0 | 1> {
  const recorded = await record('validate', async () => judge(await observe()), folder);
  printFindings('validate', recorded);
  return recorded.bounds.every(({ met }) => met) ? 0 : 1;
}

async function judge(observed: Observations): Promise<Findings> {
  const components = {
    speed: await speed(observed),
    accuracy: accuracy(observed),
    security: security(observed),
    optimisation: optimisation(observed),
  };
  const found = Object.entries(components);
  return {
    rows: found.flatMap(([component, { rows }]) => rows.map((row) => ({ component, ...row }))),
    bounds: found.flatMap(([component, { bounds }]) =>
      bounds.map((bound) => ({ ...bound, what: `${component}: ${bound.what}` })),
    ),
  };
}

async function speed({ times, tier, manifest }: Observations): Promise<Findings> {
  const { bounds, row } = hitsAreFast(times);
  return { rows: [row], bounds: [...bounds, ...(await tierIsFast(tier, manifest))] };
}

function accuracy({ served, evaluated, shippedDigest, fp16Files, sample }: Observations): Findings {
  return {
    rows: [],
    bounds: [
      ...servedIsWritten(served),
      ...recordedQuality(evaluated, shippedDigest),
      ...halvesHold(fp16Files),
      ...sampleHolds(sample),
    ],
  };
}

function security({ attacks }: Observations): Findings {
  const through = attacks.filter(({ result }) => result !== 'passed');
  return {
    rows: through.map(({ attack, result, why }) => ({ attack: attack.attack, result, ...(why && { why }) })),
    bounds: attacksAreRefused(attacks),
  };
}

function optimisation({ evictionTrace, evictionPolicy, crowd, batching }: Observations): Findings {
  return {
    rows: batching,
    bounds: [
      ...evictionPays(evictionTrace, evictionPolicy).bounds,
      ...flightIsSingle(crowd).bounds,
      ...batchingPays(batching),
    ],
  };
}
