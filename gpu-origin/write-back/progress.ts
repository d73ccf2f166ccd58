import { setTimeout as sleep } from 'node:timers/promises';
import type { JobProgress } from '../../contract/job.ts';
import type { CallEdge } from './edge-client.ts';

/** Least time between two messages of one job; what comes between is replaced by what is newer. */
const intervalMs = 250;
const answerSecondsMax = 5;

type ProgressOptions = {
  key: string;
  callEdge: CallEdge;
  onFailure: () => void;
  /** Called when the edge says that nobody waits any more for the job as it was given with this fence. */
  onGone: (fence: number) => void;
};

/** Tells the edge how far a job is, best effort: one message at a time, only the newest, none after `end`. */
export function createProgress(options: ProgressOptions) {
  let newest: JobProgress | null = null;
  let sending = false;
  const ended = new AbortController();

  const sendAll = async () => {
    sending = true;
    while (newest !== null && !ended.signal.aborted) {
      const { fence } = newest;
      const body = new TextEncoder().encode(JSON.stringify(newest));
      newest = null;
      try {
        const path = `/origin/progress/${options.key}`;
        const mediaType = 'application/json';
        const signal = ended.signal;
        const call = { method: 'POST', path, body, mediaType, signal, secondsMax: answerSecondsMax } as const;
        const { status } = await options.callEdge(call);
        if (status === 410) options.onGone(fence);
        else if (status >= 300) options.onFailure();
        await sleep(intervalMs, null, { signal });
      } catch {
        // Counted, not retried: the next stage's message says more.
        if (!ended.signal.aborted) options.onFailure();
      }
    }
    sending = false;
  };
  return {
    tell: (progress: JobProgress) => {
      newest = progress;
      if (!sending) void sendAll();
    },
    end: () => ended.abort(),
  };
}
