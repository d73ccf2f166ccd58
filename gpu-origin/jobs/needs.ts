import type { Job } from '../../contract/job.ts';
import type { StoredModel } from '../models/repository.ts';
import { fieldBytes, fieldResolution } from '../pipeline/triplane-field.ts';
import type { Needs } from './shares.ts';

/** What a job takes of what all share, by its model; nothing for one whose model has gone, as it ends at once. */
export function needsOf({ model, params, textToImageModel }: Job, models: readonly StoredModel[]): Needs {
  const manifest = models.find(({ id, digest }) => id === model.id && digest === model.digest)?.manifest;
  return {
    outside: textToImageModel !== undefined || manifest?.family === 'http-mesh',
    fieldBytes: manifest?.family === 'triplane-field' ? fieldBytes(fieldResolution(params, manifest)) : 0,
  };
}
