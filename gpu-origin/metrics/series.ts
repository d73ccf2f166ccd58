import type { Registry } from './registry.ts';

/** Bounds in seconds, from an edge stage of a millisecond to a slow model. */
const secondsBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const batchBounds = [1, 2, 4, 8, 16, 32, 64];

/** The series that the origin's parts write to; what is read at scrape time is registered where the parts are wired. */
export type OriginSeries = ReturnType<typeof originSeries>;

/** Registers the origin's counters and histograms. */
export function originSeries(registry: Registry) {
  return {
    /** By outcome: accepted, refused, completed, failed, cancelled. */
    jobs: registry.counter('meshkiln_origin_jobs_total', 'Jobs by what became of them.'),
    failures: registry.counter('meshkiln_origin_failures_total', 'Failed jobs by problem code.'),
    results: registry.counter('meshkiln_origin_results_total', 'Results by whether the edge took them.'),
    progressFailures: registry.counter('meshkiln_origin_progress_failures_total', 'Progress messages not delivered.'),
    gpuRuns: registry.counter(
      'meshkiln_origin_gpu_runs_total',
      'Runs of a model graph on a device, a batch being one.',
    ),
    stageSeconds: registry.histogram(
      'meshkiln_origin_stage_seconds',
      'Wall time of each stage of a job.',
      secondsBounds,
    ),
    jobSeconds: registry.histogram(
      'meshkiln_origin_job_seconds',
      'Wall time from acceptance to result.',
      secondsBounds,
    ),
    runSeconds: registry.histogram('meshkiln_origin_run_seconds', 'Time of one run of a graph.', secondsBounds),
    batchRows: registry.histogram('meshkiln_origin_batch_rows', 'Inputs that were run at once.', batchBounds),
  };
}
