import type { Model } from '../contract/model.ts';
import type { Report } from '../contract/report.ts';

/** The default model, as an origin reports it. */
export const bisque: Model = {
  id: 'bisque@1',
  digest: '1'.repeat(64),
  family: 'two-sided-depth',
  title: 'Bisque',
  description: 'Two depth sheets',
  licence: 'MIT',
  uses: [],
  defaults: {},
  createdAtSeconds: 1_700_000_000,
};

/** The report of an origin at this address with one model and an empty queue. */
export function reportOf(url: string, changes: Partial<Report> = {}): Report {
  return {
    url,
    startedAtSeconds: 1_700_000_000,
    state: 'ready',
    models: [bisque],
    queue: { depth: 0, capacity: 64 },
    lanes: [{ device: 'cpu', provider: 'cpu', state: 'ready', busySeconds: 0, restarts: 0 }],
    gpus: [],
    residentBytes: 1,
    outbox: { entries: 0, bytes: 0 },
    jobs: { accepted: 0, completed: 0, failed: 0, refused: 0, cancelled: 0 },
    gpuRuns: {},
    ...changes,
  };
}
