import { z } from 'zod';
import type { ModelListCopy } from '../store/model-list-copy.ts';
import { Model, TextToImageModel } from '../../contract/model.ts';

/** What can be asked for: the models, and the one that turns prompts into pictures (null: no origin takes prompts). */
const ModelList = z.object({ models: z.array(Model), textToImageModel: TextToImageModel.nullable() });
export type ModelList = z.infer<typeof ModelList>;

/** The alias that stands for the deployment's default model. */
const defaultAlias = 'default';

/** Reads the copy of the model list; null when there is none or another version of this program wrote it. */
export async function readModelList(copy: ModelListCopy): Promise<ModelList | null> {
  return ModelList.safeParse(await copy.read()).data ?? null;
}

/** The model that a name stands for, or null: `name@version`, a name for its newest version, or `default`. */
export function findModel(models: readonly Model[], name: string, defaultModel: string): Model | null {
  const wanted = name === defaultAlias ? defaultModel : name;
  if (wanted.includes('@')) return models.find((model) => model.id === wanted) ?? null;
  return models.filter((model) => model.id.startsWith(`${wanted}@`)).toSorted(newestFirst)[0] ?? null;
}

/** Versions compare number by number, so 1.10 is newer than 1.9. */
function newestFirst(a: Model, b: Model): number {
  return versionOf(b).localeCompare(versionOf(a), 'en', { numeric: true });
}

function versionOf(model: Model): string {
  return model.id.slice(model.id.indexOf('@') + 1);
}
