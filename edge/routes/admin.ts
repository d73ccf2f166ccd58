import { Hono } from 'hono';
import { z } from 'zod';
import { Sha256 } from '../../contract/digest.ts';
import { keyOfMeshId, meshId } from '../../contract/key.ts';
import { Model } from '../../contract/model.ts';
import { forgottenAfterSeconds, type PurgeReport, type PurgeSelector } from '../removal/purge.ts';
import { Takedown } from '../store/takedowns.ts';
import { indexPage } from '../search/pages.ts';
import { runPurge, type PurgeRun, type PurgeRunOptions } from '../removal/purge-run.ts';
import { parse, readJson } from '../request/json.ts';
import type { IndexPageAnswer, PurgeAnswer, TakedownDeleted, TakedownList } from '../../contract/answers.ts';

const tagCharactersMax = 64;
const cursorCharactersMax = 1000;

/** What to purge: exactly one of the names. */
export const PurgeBody = z
  .strictObject({
    id: z.string().transform(keyOfMeshId).pipe(Sha256).optional(),
    model: Model.shape.id.optional(),
    tag: z.string().min(1).max(tagCharactersMax).optional(),
    image_sha256: Sha256.optional(),
    /** Of a mesh or of a thumbnail. */
    asset_sha256: Sha256.optional(),
    /** Refuses the digest from now on, too. */
    takedown: z.boolean().default(false),
    reason: Takedown.shape.reason.default(''),
  })
  .transform(({ takedown, reason, ...names }, context): Pick<PurgeRun, 'selector' | 'takedown'> => {
    const [selector, ...others] = selectorsOf(names);
    if (selector !== undefined && others.length === 0) return { selector, takedown: takedown ? { reason } : null };
    context.addIssue({ code: 'custom', message: 'give exactly one of id, model, tag, image_sha256 and asset_sha256' });
    return z.NEVER;
  });

/** Where a page of the list begins. */
export const TakedownsQuery = z.object({ cursor: z.string().min(1).max(cursorCharactersMax).optional() });

/** Where a page of the index begins. */
export const IndexPageBody = z.strictObject({
  /** `next` of the page before; the first page when absent. */
  after: z
    .strictObject({ of: z.enum(['meshes', 'tags']), after: z.string().max(cursorCharactersMax).nullable() })
    .default({ of: 'meshes', after: null }),
});

/** `/admin`: what touches every tenant; to be mounted behind `requireKey` for the scope "admin". */
export function adminRoutes(options: PurgeRunOptions) {
  return new Hono()
    .post('/purge', async (c) => {
      const body = await readJson(c.req.raw, PurgeBody);
      const colo = { assetsUrl: new URL('/assets/', c.req.url).href };
      return c.json(answerOf(await runPurge({ ...body, colo }, options)));
    })
    .post('/index/:action{rebuild|check}', async (c) => {
      const { after } = await readJson(c.req.raw, IndexPageBody);
      const page = await indexPage(after, { repair: c.req.param('action') === 'rebuild' }, options);
      return c.json({ object: 'index.page', ...page } satisfies IndexPageAnswer);
    })
    .get('/takedowns', async (c) => {
      const { cursor = null } = parse(TakedownsQuery, c.req.query());
      const page = await options.takedowns.list(cursor);
      const data = page.takedowns.map(({ sha256, reason, atSeconds }) => ({ sha256, reason, created_at: atSeconds }));
      const list: TakedownList = { object: 'list', data, cursor: page.cursor, has_more: page.cursor !== null };
      return c.json(list);
    })
    .delete('/takedowns/:sha256', async (c) => {
      const sha256 = parse(Sha256, c.req.param('sha256'));
      await options.takedowns.remove(sha256);
      return c.json({ sha256, object: 'takedown.deleted', deleted: true } satisfies TakedownDeleted);
    });
}

type SelectorNames = { [Name in 'id' | 'model' | 'tag' | 'image_sha256' | 'asset_sha256']?: string | undefined };

function selectorsOf(names: SelectorNames): PurgeSelector[] {
  const { id, model, tag, image_sha256: image, asset_sha256: asset } = names;
  const selectors: PurgeSelector[] = [];
  if (id !== undefined) selectors.push({ by: 'id', key: id });
  if (model !== undefined) selectors.push({ by: 'model', model });
  if (tag !== undefined) selectors.push({ by: 'tag', tag });
  if (image !== undefined) selectors.push({ by: 'image', sha256: image });
  if (asset !== undefined) selectors.push({ by: 'blob', sha256: asset });
  return selectors;
}

function answerOf(report: PurgeReport): PurgeAnswer {
  return {
    object: 'purge',
    complete: report.complete,
    meshes: report.meshes.map(meshId),
    flights_ended: report.flights.map(meshId),
    digests: report.digests,
    geometry: report.surfaces,
    shared: report.shared,
    forgotten_after_seconds: {
      r2: forgottenAfterSeconds.r2,
      kv: forgottenAfterSeconds.kv,
      manifests_in_memory: forgottenAfterSeconds.manifestsInMemory,
      assets_in_colo: forgottenAfterSeconds.assetsInColo,
      assets_in_memory: forgottenAfterSeconds.assetsInMemory,
      // Copies that were downloaded cannot be called back.
      browsers: null,
    },
  };
}
