import { Hono } from 'hono';
import { makesMeshes, type Model } from '../../contract/model.ts';
import { Problem } from '../../contract/problem.ts';
import type { Authenticated } from '../access/auth.ts';
import type { FleetView } from '../fleet/fleet-view.ts';
import type { ModelAnswer, ModelList } from '../../contract/answers.ts';

/** `/v1/models`: OpenAI model objects, and what only a mesh model has; to be mounted behind `requireKey`. */
export function modelRoutes(fleet: FleetView, defaultModel: string) {
  return new Hono<Authenticated>()
    .get('/', async (c) => {
      const [models, prompts] = await Promise.all([fleet.models(), takesPrompts(fleet)]);
      const data = models.map((model) => modelObject(model, prompts));
      return c.json({ object: 'list', data } satisfies ModelList);
    })
    .get('/:id', async (c) => {
      const name = c.req.param('id');
      const model = await fleet.findModel(name, defaultModel);
      if (model === null) throw new Problem('model_not_found', 'There is no such model.');
      return c.json(modelObject(model, await takesPrompts(fleet)));
    });
}

/** Whether an origin has prompts drawn; a few seconds old. */
async function takesPrompts(fleet: FleetView): Promise<boolean> {
  return (await fleet.textToImageModel({ current: false })) !== null;
}

function modelObject(model: Model, prompts: boolean): ModelAnswer {
  return {
    id: model.id,
    object: 'model',
    created: model.createdAtSeconds,
    owned_by: 'meshkiln',
    family: model.family,
    title: model.title,
    description: model.description,
    licence: model.licence,
    capabilities: { uses: model.uses, defaults: model.defaults, prompts: prompts && makesMeshes(model) },
  };
}
