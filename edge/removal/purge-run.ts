import type { Flights } from '../flight/calls.ts';
import { Problem } from '../../contract/problem.ts';
import type { Colo } from '../store/assets.ts';
import { joinReports, purge, type PurgeOptions, type PurgeReport, type PurgeSelector } from './purge.ts';

/** Rounds that one call makes, and the time in milliseconds after which it begins no other. */
const roundsMax = 5;
const purgeMsMax = 20_000;

export type PurgeRun = {
  selector: PurgeSelector;
  /** Why the digest of the selector is refused from now on; null when it may come back. */
  takedown: { reason: string } | null;
  colo: Colo;
};

export type PurgeRunOptions = Omit<PurgeOptions, 'colo' | 'endFlight'> & {
  flights: Flights;
};

/**
 * Purges round by round, ending the flights of what it purges; not `complete` after the last round, the same call goes
 * on. A takedown comes first, so that nothing enters behind it.
 */
export async function runPurge({ selector, takedown, colo }: PurgeRun, options: PurgeRunOptions): Promise<PurgeReport> {
  const { takedowns, flights } = options;
  if (takedown) await takedowns.add({ ...takedown, sha256: digestOf(selector), atSeconds: nowSeconds() });
  const endFlight = (key: string) => flights.getByName(key).withdraw();
  const untilMs = Date.now() + purgeMsMax;
  const purgeOnce = () => purge(selector, { ...options, colo, endFlight });
  let report = await purgeOnce();
  for (let round = 1; round < roundsMax && !report.complete && Date.now() < untilMs; round++) {
    report = joinReports(report, await purgeOnce());
  }
  return report;
}

function digestOf(selector: PurgeSelector): string {
  if (selector.by === 'image' || selector.by === 'blob') return selector.sha256;
  throw new Problem('invalid_parameter', 'Only a picture or an asset can be taken down.', { param: 'takedown' });
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
