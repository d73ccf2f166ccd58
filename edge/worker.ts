import { passLocalDoor } from './access/local-door.ts';
import { createApp } from './app.ts';
import { parseStoreBytesMax, type Env } from './env.ts';
import { NamedSurfaces } from './removal/named-surfaces.ts';
import { openStores } from './store/stores.ts';
import { MeshIndex } from './search/mesh-index.ts';
import { sweep } from './removal/sweep.ts';

export { Fleet } from './fleet/fleet.ts';
export { Flight } from './flight/flight.ts';
export { Keys } from './access/keys.ts';
export { Stats } from './stats/stats.ts';
export { Tenant } from './tenant/tenant.ts';
export { Webhooks } from './webhooks/webhooks.ts';

/** Made with the first request, since the secrets come with it, and kept for the isolate's life. */
let app: ReturnType<typeof createApp> | undefined;

export default {
  fetch(request, env, context) {
    app ??= createApp(env);
    const passed = passLocalDoor(request, env.PUBLIC_URL);
    return passed instanceof Response ? passed : app.fetch(passed, env, context);
  },
  async scheduled(_, env) {
    const stores = openStores(env);
    await sweep({
      ...stores,
      geometry: new NamedSurfaces({ ...stores, fleets: env.FLEET }),
      index: new MeshIndex({ db: env.INDEX, ...stores }),
      flights: env.FLIGHT,
      bytesMax: parseStoreBytesMax(env.STORE_BYTES_MAX),
    });
  },
} satisfies ExportedHandler<Env>;
