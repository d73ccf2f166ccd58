/// <reference types="@cloudflare/vitest-plugin/types" />
import type { Env as EdgeEnv } from '../../edge/env.ts';
import type * as Worker from '../../edge/worker.ts';

/** The objects as tests reach into them: what the edge calls them by, and the stubs of their classes. */
type Namespaces = {
  FLEET: DurableObjectNamespace<Worker.Fleet>;
  FLIGHT: DurableObjectNamespace<Worker.Flight>;
  KEYS: DurableObjectNamespace<Worker.Keys>;
  STATS: DurableObjectNamespace<Worker.Stats>;
  TENANT: DurableObjectNamespace<Worker.Tenant>;
  WEBHOOKS: DurableObjectNamespace<Worker.Webhooks>;
};

type Bindings = Namespaces & EdgeEnv;

declare global {
  namespace Cloudflare {
    interface Env extends Bindings {}
    interface GlobalProps {
      mainModule: typeof Worker;
    }
  }
}
