import {
  checkMs,
  type FlightRecord,
  type FlightState,
  type JobDraft,
  type LastOrigin,
  type Lease,
} from './flight-record.ts';
import type { OriginStatus } from '../fleet/calls.ts';

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
 * Why an origin may not finish a job. One that is `silent`, or `late` with a job that it had begun, has failed it. One
 * that was `restarted` takes the job up again from its disk, or as a new one, and one that is `unheard` of since it got
 * the job may have it in its queue still: offered again, it keeps its place there.
 */
export type Loss = 'late' | 'silent' | 'restarted' | 'unheard';

/** Why the origin that holds a job may not finish it, or null while it may. */
export function lossOf(
  state: Extract<FlightState, { is: 'dispatched' }>,
  origins: readonly OriginStatus[],
  nowMs: number,
): Loss | null {
  const origin = origins.find((candidate) => candidate.id === state.originId);
  if (nowMs >= state.leaseEndsAtMs) return state.stage === 'queue' ? 'unheard' : 'late';
  if (origin === undefined) return 'silent';
  return origin.startedAtSeconds === state.originStartedAtSeconds ? null : 'restarted';
}

/** Whether an origin has the model, and what turns a prompt into its picture. */
function canMake(origin: OriginStatus, { model, textToImageModel }: JobDraft): boolean {
  if (origin.digests[model.id] !== model.digest) return false;
  return textToImageModel === undefined || origin.textToImageModel === textToImageModel;
}

/** What to say to an origin that hands a job back; `passOn` is the record of a flight whose job is to go to another. */
export function judgeReturn(
  { originId, fence }: Lease,
  { record, origins }: { record: FlightRecord | null; origins: readonly OriginStatus[] },
): { answer: 'taken' | 'kept' | 'gone'; passOn: FlightRecord | null } {
  if (record === null) return { answer: 'gone', passOn: null };
  const { state, job } = record;
  // Taken back before: it waits for another origin, or has one.
  if (state.is !== 'dispatched' || state.originId !== originId) return { answer: 'taken', passOn: null };
  const others = origins.filter(({ id }) => id !== originId);
  const canGo = record.fence === fence && rank(others, { job, last: null }).length > 0;
  if (!canGo) return { answer: 'kept', passOn: null };
  const queued = { is: 'queued', driveAtMs: Date.now() + checkMs } as const;
  return { answer: 'taken', passOn: { ...record, last: { id: originId, ask: 'last' }, state: queued } };
}

/** Jobs that wait for each compute lane. */
function load(origin: OriginStatus): number {
  return origin.queueDepth / Math.max(1, origin.lanesReady);
}
