import { Hono, type Context } from 'hono';
import { Problem } from '../contract/problem.ts';
import { callerFor, requireKey, type AccessOptions } from './access/auth.ts';
import { parseGpuHourPrice, type Env } from './env.ts';
import { parseAnonymousTier } from './access/anonymous-tier.ts';
import { parseApiKeys } from './access/api-keys.ts';
import { parseOrigins } from './fleet/origins.ts';
import { parseUrlSecret } from './meshes/asset-url.ts';
import { parseLimitSettings } from './tenant/limit-settings.ts';
import { FleetView } from './fleet/fleet-view.ts';
import { NamedSurfaces } from './removal/named-surfaces.ts';
import { openStores } from './store/stores.ts';
import { MeshIndex } from './search/mesh-index.ts';
import { Repeats } from './meshes/repeats.ts';
import { Uses } from './search/uses.ts';
import { KeyStore } from './access/key-store.ts';
import { MeshMaker } from './meshes/mesh-maker.ts';
import { Meshes } from './meshes/meshes.ts';
import { openOutside } from './outside/outside.ts';
import { problemResponse } from './http/problem-response.ts';
import { adminRoutes } from './routes/admin.ts';
import { dashboardDataRoutes } from './routes/dashboard-data.ts';
import { keyRoutes } from './routes/keys.ts';
import type { Counting } from './routes/finish.ts';
import { getAsset } from './routes/get-asset.ts';
import { healthRoutes } from './routes/health.ts';
import { answerHotRoute, hotRoutes, type HotHandlers } from './routes/hot-routes.ts';
import { meshRoutes } from './routes/meshes.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { countUsage, finishAnswers, openToBrowsers, type Contextual } from './routes/middleware.ts';
import { modelRoutes } from './routes/models.ts';
import { openApiRoute } from './openapi/openapi-route.ts';
import { originRoutes } from './routes/origin.ts';
import { pageRoutes } from './routes/pages.ts';
import { postMesh } from './routes/post-mesh.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { tenantRoutes } from './routes/tenants.ts';
import { usageRoutes } from './routes/usage.ts';
import { isolateRecorder } from './stats/recorder.ts';
import { usageCounter } from './tenant/record-usage.ts';
import { Tenants } from './tenant/tenants.ts';

type Router = Hono<{ Bindings: Env } & Contextual>;
type Route = { method: string; path: string };

export type App = {
  fetch(request: Request, env: Env, context: ExecutionContext): Response | Promise<Response>;
  routes: readonly Route[];
};

/**
 * The Worker's HTTP surface, made once an isolate; throws an Error when a secret is missing or wrong. Answers are counted
 * in the isolate's own counters and ledgers, unless a test has others.
 */
export function createApp(env: Env, counted: Partial<Counting> = {}): App {
  const counting = { recorder: isolateRecorder(env.STATS), countUsage: usageCounter(env.TENANT), ...counted };
  const parts = partsOf(env);
  const handlers: HotHandlers = { '/v1/meshes': postMesh(parts), '/assets/:file': getAsset(parts) };
  const router = routerOf(env, parts, counting);
  const routes = [...hotRoutes, ...router.routes];
  refuseOtherMethods(router, routes);
  return {
    routes,
    fetch: (request, bindings, context) =>
      answerHotRoute(request, context, { handlers, counting }) ?? router.fetch(request, bindings, context),
  };
}

type Parts = ReturnType<typeof partsOf>;

/** What the routes call. */
function partsOf(env: Env) {
  const { FLIGHT: flights, WEBHOOKS: webhooks } = env;
  const stores = openStores(env);
  const urlSecret = parseUrlSecret(env.URL_SECRET);
  const keyStore = new KeyStore({ keys: env.KEYS, limiters: env });
  const access = accessOf(env, { keyStore, urlSecret });
  const tenants = new Tenants(env.TENANT);
  const { manifests } = stores;
  const index = new MeshIndex({ db: env.INDEX, ...stores });
  const geometry = new NamedSurfaces({ ...stores, fleets: env.FLEET });
  const fleet = new FleetView({ fleet: env.FLEET, copy: stores.modelList });
  const uses = new Uses(index);
  return {
    ...stores,
    flights,
    webhooks,
    urlSecret,
    keyStore,
    access,
    callerOf: callerFor(access, 'meshes'),
    outside: openOutside(env.OUTSIDE),
    tenants,
    index,
    geometry,
    fleet,
    meshes: new Meshes({ ...stores, flights, tenants, index, geometry }),
    repeats: new Repeats({ manifests, fleet, tenants, uses }),
    maker: new MeshMaker({
      ...stores,
      fleet,
      flights,
      tenants,
      keyStore,
      index,
      uses,
      defaultModel: env.DEFAULT_MODEL,
    }),
  };
}

/** The routes that are not picked by hand. */
function routerOf(env: Env, parts: Parts, counting: Counting): Router {
  const { access, manifests, fleet, tenants, webhooks, urlSecret } = parts;
  const router: Router = new Hono();
  router.use(finishAnswers(counting));
  router.use('/v1/*', openToBrowsers, requireKey(access, 'meshes'), countUsage);
  router.use('/assets/*', openToBrowsers);
  router.use('/openapi.json', openToBrowsers);
  router.route('/v1/meshes', meshRoutes(parts));
  router.route('/v1/usage', usageRoutes(tenants));
  router.route('/v1', webhookRoutes(webhooks));
  router.route('/v1/models', modelRoutes(fleet, env.DEFAULT_MODEL));
  mountOperatorRoutes(router, env, parts);
  router.route('/', healthRoutes(fleet));
  router.route('/', openApiRoute());
  router.route('/', pageRoutes({ site: env.SITE, manifests, urlSecret }));
  const origins = parseOrigins(env.ORIGINS);
  const { FLEET: fleets, STATS: stats } = env;
  const { recorder } = counting;
  router.route('/origin', originRoutes({ ...parts, origins, fleets, recorder, stats }));
  router.notFound((c) => problemResponse(new Problem('not_found', 'There is nothing at this path.'), c.get('context')));
  router.onError((error, c) => {
    const context = c.get('context');
    context.error = error;
    return problemResponse(error, context);
  });
  return router;
}

function accessOf(env: Env, { keyStore, urlSecret }: { keyStore: KeyStore; urlSecret: string }): AccessOptions {
  return {
    keys: parseApiKeys(env.API_KEYS),
    anonymousTier: parseAnonymousTier(env.ANONYMOUS_TIER),
    addressLimits: parseLimitSettings(env).address,
    secret: urlSecret,
    limiters: env,
    store: keyStore,
  };
}

/** What an operator alone may do, or look at. */
function mountOperatorRoutes(router: Router, env: Env, parts: Parts): void {
  const { access, keyStore, tenants, index } = parts;
  const stats = env.STATS;
  const gpuHourPrice = parseGpuHourPrice(env.GPU_PRICE_PER_HOUR);
  const requireAdmin = requireKey(access, 'admin');
  router.use('/admin/*', /* defence: API5-1 */ requireAdmin);
  router.route('/admin/keys', keyRoutes(keyStore));
  router.route('/admin/tenants', tenantRoutes(tenants));
  router.route('/admin', adminRoutes(parts));
  router.use('/dashboard/data', requireAdmin);
  router.route('/dashboard/data', dashboardDataRoutes({ stats, index, gpuHourPrice }));
  router.route('/metrics', metricsRoutes({ stats, gpuHourPrice, token: env.METRICS_TOKEN ?? null, requireAdmin }));
}

/** Answers 405 with Allow (RFC 9110 §15.5.6) where the path is known and the method is not. */
function refuseOtherMethods(router: Router, routes: readonly Route[]): void {
  const methods = new Map<string, Set<string>>();
  for (const { path, method } of routes) {
    if (method === 'ALL') continue; // middleware
    const known = methods.get(path) ?? new Set();
    methods.set(path, known.add(method));
    if (method === 'GET') known.add('HEAD');
  }
  for (const [path, known] of methods) {
    router.all(path, (c: Context) => {
      const headers = { allow: [...known].join(', ') };
      throw new Problem('method_not_allowed', `${c.req.method} is not allowed here.`, { headers });
    });
  }
}
