import { load, type LoadRequest } from './load.ts';
import { spread, type Spread } from './spread.ts';

/** What one case gave in each repeat, in order. */
export type CaseRuns = {
  perSecond: number[];
  /** CPU time of the server's process for one answer in microseconds: the mean over all repeats. */
  cpuMicroseconds: number;
};

export type InterleaveOptions = {
  repeats: number;
  secondsEach: number;
  /** CPU milliseconds that the process which answers has used so far. */
  cpuMs: () => number;
};

/**
 * Loads each case in turn, over and over, so that what else the machine does meets all of them alike; each round begins
 * with another case, so that what one leaves to be done meets all of them too. A first round only warms up. A case that is null, having nothing to be loaded here, is left out.
 */
export async function interleave<Name extends string>(
  cases: Record<Name, LoadRequest | null>,
  { repeats, secondsEach, cpuMs }: InterleaveOptions,
): Promise<Record<Name, CaseRuns>> {
  const present = (Object.entries(cases) as [Name, LoadRequest | null][]).flatMap(([name, request]) =>
    request === null ? [] : [{ name, request }],
  );
  for (const { request } of present) await load(request, secondsEach);
  const taken = new Map<Name, { perSecond: number[]; cpuMs: number; answers: number }>();
  for (let repeat = 0; repeat < repeats; repeat++) {
    const begin = repeat % present.length;
    for (const { name, request } of [...present.slice(begin), ...present.slice(0, begin)]) {
      const cpuBeforeMs = cpuMs();
      const { perSecond, latenciesMs } = await load(request, secondsEach);
      const runs = taken.get(name) ?? { perSecond: [], cpuMs: 0, answers: 0 };
      runs.perSecond.push(perSecond);
      runs.cpuMs += cpuMs() - cpuBeforeMs;
      runs.answers += latenciesMs.length;
      taken.set(name, runs);
    }
  }
  return Object.fromEntries(
    [...taken].map(([name, runs]) => [
      name,
      { perSecond: runs.perSecond, cpuMicroseconds: (1000 * runs.cpuMs) / runs.answers },
    ]),
  ) as Record<Name, CaseRuns>;
}

/** A row of a table about one case. */
export function caseRow(
  name: string,
  { perSecond, cpuMicroseconds }: CaseRuns,
): { case: string; perSecond: Spread } & {
  cpuMicroseconds: number;
} {
  return { case: name, perSecond: spread(perSecond), cpuMicroseconds };
}
