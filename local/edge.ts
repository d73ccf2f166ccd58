// The Worker as `npm start` runs it: ends with the supervisor, also when that was killed.
import { createOutside, publicInternet } from './outside.ts';
import { runEdge } from './run-edge.ts';
import { edgeUrl, localSettings } from './settings.ts';

/** As often as wrangler.toml has the deployed Worker do it. */
const sweepEveryMs = 5 * 60_000;

const settings = localSettings();
const worker = await runEdge(settings, createOutside(publicInternet));
setInterval(() => void worker.sweep(), sweepEveryMs);
console.log(`edge ready at ${edgeUrl(settings)}`);

// `disconnect` comes when the supervisor was killed; workerd must not stay behind.
for (const end of ['SIGTERM', 'SIGINT', 'disconnect'] as const) {
  process.once(end, () => void worker.dispose().then(() => process.exit(0)));
}
