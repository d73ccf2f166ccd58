import type { FlightState, JobDraft } from './flight-record.ts';
import type { OriginStatus } from './fleet.ts';

/** The origin that had a job last: to be asked first when it only forgot the job, last when it failed it. */
export type LastOrigin = { id: string; ask: 'first' | 'last' };

/** The origins that can take a job, least loaded first; equals in random order. */
export function rank(
  origins: readonly OriginStatus[],
  wanted: { job: JobDraft; last: LastOrigin | null },
): readonly OriginStatus[] {
  const place = ({ id }: OriginStatus) => {
    if (id !== wanted.last?.id) return 0;
    return wanted.last.ask === 'first' ? -1 : 1;
  };
  return origins
    .filter((origin) => origin.state === 'ready' && canMake(origin, wanted.job))
    .map((origin) => ({ origin, place: place(origin), load: load(origin), chance: Math.random() }))
    .toSorted((a, b) => a.place - b.place || a.load - b.load || a.chance - b.chance)
    .map(({ origin }) => origin);
}

/**
 * Why the origin that holds a job may not finish it, or null while it may. One that was only `restarted` takes the job
 * up again from its disk, or as a new one; one that is `silent` or `late` has failed it.
 */
export function lossOf(
  state: Extract<FlightState, { is: 'dispatched' }>,
  origins: readonly OriginStatus[],
  nowMs: number,
): 'late' | 'silent' | 'restarted' | null {
  const origin = origins.find((candidate) => candidate.id === state.originId);
  if (nowMs >= state.leaseEndsAtMs) return 'late';
  if (origin === undefined) return 'silent';
  return origin.startedAtSeconds === state.originStartedAtSeconds ? null : 'restarted';
}

/** Whether an origin has the model, and what turns a prompt into its picture. */
function canMake(origin: OriginStatus, { model, textToImageModel }: JobDraft): boolean {
  if (origin.digests[model.id] !== model.digest) return false;
  return textToImageModel === undefined || origin.textToImageModel === textToImageModel;
}

/** Jobs that wait for each compute lane. */
function load(origin: OriginStatus): number {
  return origin.queueDepth / Math.max(1, origin.lanesReady);
}
