// The Worker as `npm start` runs it: ends with the supervisor, also when that was killed.
import { once } from 'node:events';
import { hold } from './hold.ts';
import { createOutside, publicInternet } from './outside.ts';
import { runEdge } from './run-edge.ts';
import { edgeUrl, localSettings } from './settings.ts';

/** As often as wrangler.toml has the deployed Worker do it. */
const sweepEveryMs = 5 * 60_000;

// `disconnect` comes when the supervisor was killed; workerd must not stay behind.
const ended = Promise.race(['SIGTERM', 'SIGINT', 'disconnect'].map((end) => once(process, end)));
const settings = localSettings();
if (!(await hold(settings.stateFolder, 'edge'))) throw new Error(`another edge uses ${settings.stateFolder}`);
const worker = await runEdge(settings, createOutside(publicInternet));
setInterval(() => void worker.sweep(), sweepEveryMs);
console.log(`edge ready at ${edgeUrl(settings)}`);

await ended;
await worker.dispose();
process.exit(0);
