import type { Infer, ModelContent } from '../pipeline/job.ts';

type NamedRun = Parameters<Infer>[0];

/** Runs a graph of a model of exactly this content; rejects when that is no longer served. */
export type PinnedInfer = (run: Omit<NamedRun, 'model'> & { model: ModelContent }) => ReturnType<Infer>;

/**
 * A job's runs by the contents that its models had when it began: after a reload the same name may stand for other
 * weights, whose outputs must not be stored under the digest that the job's key holds.
 */
export function pinInfer(infer: PinnedInfer, models: readonly ModelContent[]): Infer {
  return async ({ model: name, ...run }) => {
    const model = models.find(({ id }) => id === name);
    if (model === undefined) throw new Error(`a job ran ${name}, which is none of its models; this is a bug`);
    return infer({ ...run, model });
  };
}
