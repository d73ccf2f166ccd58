import { createApp } from '../../edge/app.ts';
import type { Env } from '../../edge/env.ts';
import type { Recorder } from '../../edge/stats/recorder.ts';

// The Worker as it is shipped, which makes a request of its own as often as `bench-hits` says, with the recorder that is
// shipped or, by `bench-recorder: off`, with one that does nothing.
export * from '../../edge/worker.ts';

const nothing = () => {};
const silent: Recorder = { count: nothing, add: nothing, latency: nothing, flight: nothing, failure: nothing };

let apps: { on: ReturnType<typeof createApp>; off: ReturnType<typeof createApp> } | undefined;

export default {
  async fetch(request, env, context) {
    apps ??= { on: createApp(env), off: createApp(env, { recorder: silent }) };
    const app = request.headers.get('bench-recorder') === 'off' ? apps.off : apps.on;
    const hits = request.headers.get('bench-hits');
    if (hits === null) return app.fetch(request, env, context);
    const { url, method, headers } = request;
    const body = method === 'POST' ? await request.arrayBuffer() : null;
    for (let hit = 0; hit < Number(hits); hit++) {
      const answer = await app.fetch(new Request(url, { method, headers, body }), env, context);
      await answer.arrayBuffer();
      if (answer.status !== 200) return answer;
    }
    return new Response();
  },
} satisfies ExportedHandler<Env>;
