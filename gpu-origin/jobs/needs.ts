import type { Job } from '../../contract/job.ts';
import { needsOf } from '../families/families.ts';
import { devicesOnly, sameContent, type Needs } from '../families/family.ts';
import type { StoredModel } from '../models/repository.ts';

/** What a job takes of what all jobs share. A job whose model has gone takes nothing: it ends at once. */
export function needsOfJob({ model, params, textToImageModel }: Job, models: readonly StoredModel[]): Needs {
  const stored = models.find((each) => sameContent(each, model));
  const needs = stored === undefined ? devicesOnly : needsOf(stored.manifest, params);
  return textToImageModel === undefined ? needs : { ...needs, outside: true };
}
