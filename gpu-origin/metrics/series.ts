import { Counter, Histogram, type Registry } from 'prom-client';

/** Bounds in seconds, from a stage of a millisecond to a slow model. */
const secondsBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const batchBounds = [1, 2, 4, 8, 16, 32, 64];

/** The series that the origin's parts write to; what is read at scrape time is in gauges.ts. */
export type OriginSeries = ReturnType<typeof originSeries>;

/** Registers the origin's counters and histograms. */
export function originSeries(registry: Registry) {
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const histogram = <Label extends string>(name: string, help: string, buckets: number[], labelNames: Label[] = []) =>
    new Histogram({ name, help, buckets, labelNames, registers });
  return {
    /** By outcome: accepted, refused, completed, failed, cancelled, returned. */
    jobs: counter('meshkiln_origin_jobs_total', 'Jobs by what became of them.', ['outcome']),
    failures: counter('meshkiln_origin_failures_total', 'Failed jobs by problem code.', ['code']),
    modelFaults: counter('meshkiln_origin_model_faults_total', 'Jobs failed by what a graph gave, by model.', [
      'model',
    ]),
    results: counter('meshkiln_origin_results_total', 'Results by whether the edge took them.', ['outcome']),
    progressFailures: counter('meshkiln_origin_progress_failures_total', 'Progress messages not delivered.'),
    gpuRuns: counter(
      'meshkiln_origin_gpu_runs_total',
      "Runs of a model's graphs on a device, a batch being one, and meshes had from its server.",
      ['model'],
    ),
    stageSeconds: histogram(
      'meshkiln_origin_stage_seconds',
      'Wall time of each stage of a job, its wait in the queue and the drawing of its prompt included.',
      secondsBounds,
      ['stage'],
    ),
    jobSeconds: histogram('meshkiln_origin_job_seconds', 'Wall time from acceptance to result.', secondsBounds),
    runSeconds: histogram('meshkiln_origin_run_seconds', 'Time of one run of a graph.', secondsBounds, [
      'model',
      'graph',
      'device',
    ]),
    batchRows: histogram('meshkiln_origin_batch_rows', 'Inputs that were run at once.', batchBounds, [
      'model',
      'graph',
    ]),
  };
}

/** Sum of a counter over the samples that have these labels. */
export async function totalOf<Label extends string>(
  counter: Counter<Label>,
  labels: Partial<Record<Label, string>>,
): Promise<number> {
  const { values } = await counter.get();
  const wanted = Object.entries(labels);
  return values
    .filter((sample) => wanted.every(([name, value]) => (sample.labels as Record<string, unknown>)[name] === value))
    .reduce((sum, { value }) => sum + value, 0);
}
