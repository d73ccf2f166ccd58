import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { Problem } from '../contract/problem.ts';
import { callerFor, requireKey, type AccessOptions, type Authenticated } from './access/auth.ts';
import type { MayBeBegun } from './begun.ts';
import { Manifests } from './store/manifests.ts';
import { parseGpuHourPrice, type Env } from './env.ts';
import { parseAnonymousTier } from './access/anonymous-tier.ts';
import { parseApiKeys } from './access/api-keys.ts';
import { parseOrigins } from './fleet/origins.ts';
import { parseUrlSecret } from './meshes/asset-url.ts';
import { parseLimitSettings } from './tenant/limit-settings.ts';
import { FleetView } from './fleet/fleet-view.ts';
import { openToBrowsers } from './http/cors.ts';
import { GeometryStore } from './store/geometry-store.ts';
import { MeshIndex } from './search/mesh-index.ts';
import { Repeats } from './meshes/repeats.ts';
import { Uses } from './search/uses.ts';
import { InputStore } from './store/input-store.ts';
import { KeyStore } from './access/key-store.ts';
import { MeshMaker } from './meshes/mesh-maker.ts';
import { Meshes } from './meshes/meshes.ts';
import { securityHeaders } from './http/security-headers.ts';
import { openOutside } from './outside/outside.ts';
import { answerProblem } from './http/problem-response.ts';
import { requestId } from './http/request-id.ts';
import { adminRoutes } from './routes/admin.ts';
import { assetRoutes } from './routes/assets.ts';
import { dashboardDataRoutes } from './routes/dashboard-data.ts';
import { keyRoutes } from './routes/keys.ts';
import { answerFromMemory } from './routes/held-assets.ts';
import { healthRoutes } from './routes/health.ts';
import { answerHit, asksForMesh, type MeshHitOptions } from './routes/mesh-hits.ts';
import { meshRoutes } from './routes/meshes.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { modelRoutes } from './routes/models.ts';
import { openApiRoute } from './openapi/openapi-route.ts';
import { originRoutes } from './routes/origin.ts';
import { pageRoutes } from './routes/pages.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { tenantRoutes } from './routes/tenants.ts';
import { usageRoutes } from './routes/usage.ts';
import { recordUsage, usageCounter, type CountUsage } from './tenant/record-usage.ts';
import { Tenants } from './tenant/tenants.ts';
import { recordAnswers } from './stats/record-answers.ts';
import { isolateRecorder, type Recorder } from './stats/recorder.ts';

type App = Hono<{ Bindings: Env & MayBeBegun['Bindings'] }>;

/** Where answers are counted: the isolate's own counters and ledgers, unless a test has others. */
type Counting = { recorder: Recorder; countUsage: CountUsage };

/** The Worker's HTTP surface, made once an isolate; throws an Error when a secret is missing or wrong. */
export function createApp(env: Env, counting: Partial<Counting> = {}): App {
  const { recorder = isolateRecorder(env.STATS), countUsage = usageCounter(env.TENANT) } = counting;
  const { router, hits } = createRouter(env, { recorder, countUsage });
  answerHitsFirst(router, hits);
  return router;
}

/** The router, which can answer everything, and what it takes to answer the commonest hits without it. */
export function createRouter(env: Env, { recorder, countUsage }: Counting): { router: App; hits: MeshHitOptions } {
  const origins = parseOrigins(env.ORIGINS);
  const urlSecret = parseUrlSecret(env.URL_SECRET);
  const keyStore = new KeyStore({ keys: env.KEYS, limiters: env });
  const access = accessOf(env, { keyStore, urlSecret });
  const { STORE: r2, FLIGHT: flights, WEBHOOKS: webhooks } = env;
  const outside = openOutside(env.OUTSIDE);
  const tenants = new Tenants(env.TENANT);
  const manifests = new Manifests({ kv: env.MANIFESTS, r2: env.STORE });
  const index = new MeshIndex({ db: env.INDEX, r2 });
  const geometry = new GeometryStore({ r2, fleets: env.FLEET });
  const fleet = new FleetView({ fleet: env.FLEET, kv: env.MANIFESTS });
  const uses = new Uses(index);
  const maker = new MeshMaker({
    manifests,
    fleet,
    inputs: new InputStore(env.STORE),
    flights,
    tenants,
    keyStore,
    index,
    uses,
    r2,
    defaultModel: env.DEFAULT_MODEL,
  });
  const meshes = new Meshes({ manifests, flights, tenants, index, geometry, r2 });
  const app: App = new Hono();
  app.use(recordAnswers(recorder), requestId, securityHeaders);
  app.use('/v1/*', openToBrowsers, requireKey(access, 'meshes'), recordUsage(countUsage));
  app.use('/assets/*', openToBrowsers);
  app.use('/openapi.json', openToBrowsers);
  app.route('/v1/meshes', meshRoutes({ maker, meshes, tenants, manifests, r2, urlSecret, outside, webhooks }));
  app.route('/v1/usage', usageRoutes(tenants));
  app.route('/v1', webhookRoutes(webhooks));
  app.route('/v1/models', modelRoutes(fleet, env.DEFAULT_MODEL));
  app.route('/assets', assetRoutes({ r2, manifests, urlSecret }));
  mountOperatorRoutes(app, env, {
    requireAdmin: requireKey(access, 'admin'),
    manifests,
    geometry,
    index,
    keyStore,
    tenants,
  });
  app.route('/', healthRoutes(fleet));
  app.route('/', openApiRoute());
  app.route('/', pageRoutes({ site: env.SITE, manifests, urlSecret }));
  app.route(
    '/origin',
    originRoutes({ origins, manifests, index, r2, flights, fleets: env.FLEET, geometry, recorder, stats: env.STATS }),
  );
  refuseOtherMethods(app);
  answerProblems(app);
  return {
    router: app,
    hits: {
      maker,
      outside,
      repeats: new Repeats({ manifests, fleet, tenants, uses }),
      callerOf: callerFor(access, 'meshes'),
      countUsage,
      recorder,
      urlSecret,
    },
  };
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

/** The commonest requests by far do not go through the router, which costs an asset as much as all the rest. */
function answerHitsFirst(app: App, hits: MeshHitOptions): void {
  const { fetch } = app;
  app.fetch = (request, env, ...rest) => {
    if (!asksForMesh(request)) return answerFromMemory(request, hits.recorder) ?? fetch(request, env, ...rest);
    return answerHit(request, hits).then((answer) =>
      answer instanceof Response ? answer : fetch(request, { ...env, begun: answer } as Env, ...rest),
    );
  };
}

function answerProblems(app: App): void {
  app.notFound((c) => answerProblem(c, new Problem('not_found', 'There is nothing at this path.')));
  app.onError((error, c) => answerProblem(c, error));
}

type OperatorOptions = {
  requireAdmin: MiddlewareHandler<Authenticated>;
  manifests: Manifests;
  geometry: GeometryStore;
  index: MeshIndex;
  keyStore: KeyStore;
  tenants: Tenants;
};

/** What an operator alone may do, or look at. */
function mountOperatorRoutes(app: App, env: Env, options: OperatorOptions): void {
  const { requireAdmin, manifests, geometry, index, keyStore, tenants } = options;
  const { STORE: r2, FLIGHT: flights, STATS: stats } = env;
  const gpuHourPrice = parseGpuHourPrice(env.GPU_PRICE_PER_HOUR);
  app.use('/admin/*', /* defence: API5-1 */ requireAdmin);
  app.route('/admin/keys', keyRoutes(keyStore));
  app.route('/admin/tenants', tenantRoutes(tenants));
  app.route('/admin', adminRoutes({ manifests, geometry, index, r2, flights }));
  app.use('/dashboard/data', requireAdmin);
  app.route('/dashboard/data', dashboardDataRoutes({ stats, index, gpuHourPrice }));
  app.route('/metrics', metricsRoutes({ stats, gpuHourPrice, token: env.METRICS_TOKEN ?? null, requireAdmin }));
}

/** Answers 405 with Allow (RFC 9110 §15.5.6) where the path is known and the method is not. */
function refuseOtherMethods(app: App): void {
  const methods = new Map<string, Set<string>>();
  for (const { path, method } of app.routes) {
    if (method === 'ALL') continue; // middleware
    const known = methods.get(path) ?? new Set();
    methods.set(path, known.add(method));
    if (method === 'GET') known.add('HEAD');
  }
  for (const [path, known] of methods) {
    app.all(path, (c: Context) => {
      c.header('allow', [...known].join(', '));
      throw new Problem('method_not_allowed', `${c.req.method} is not allowed here.`);
    });
  }
}
