import { createApp } from './app.ts';
import type { Env } from './env.ts';

export { Fleet } from './objects/fleet.ts';
export { Flight } from './objects/flight.ts';

/** Made with the first request, since the secrets come with it, and kept for the isolate's life. */
let app: ReturnType<typeof createApp> | undefined;

export default {
  fetch(request, env, context) {
    app ??= createApp(env);
    return app.fetch(request, env, context);
  },
} satisfies ExportedHandler<Env>;
