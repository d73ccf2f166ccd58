import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hono } from 'hono';
import type { Config } from './config.ts';
import { handBack } from './jobs/hand-back.ts';
import { log } from './log.ts';
import { createParts, type Parts } from './parts.ts';
import { createApp } from './server/app.ts';
import { listen } from './server/listen.ts';
import { Nonces } from './server/nonces.ts';

/** Time for the outbox to empty when the origin stops, and then for surfaces; what is left stays on disk. */
const flushSecondsMax = 10;

/** A running origin. `stop` finishes or spools what runs, empties the outbox within a bound and closes everything. */
export type Origin = { port: number; stop: () => Promise<void> };

/** Starts an origin; resolves when its models are loaded and it takes jobs. Rejects when its port or state is no good. */
export async function startOrigin(config: Config): Promise<Origin> {
  const parts = createParts(config);
  const nonces = new Nonces(join(config.state, 'nonces'));
  const { outbox, intake, geometry, removals, delivery, models, runner, reporter, admission, live } = parts;
  await mkdir(config.state, { recursive: true, mode: 0o700 });
  await nonces.recover();
  await outbox.recover();
  await intake.recover();
  await geometry.recover();
  await removals.recover();
  const server = await listen(appOf(config, { ...parts, nonces }), config);
  log('listening', { host: config.host, port: server.port, origin: config.id });
  delivery.kick();
  await models.reload();
  for (const { device, refusals, errorText } of parts.pool.lanes) {
    for (const { provider, cause } of refusals) log('provider refused', { device, provider, cause, said: errorText });
  }
  runner.start();
  reporter.now();
  log('ready', { models: models.served.map(({ id }) => id).join(' ') });

  const stop = async () => {
    admission.drain();
    log('draining', { active: runner.active });
    reporter.now();
    const waiting = [...live.values()].filter(({ state }) => state.at === 'accepted');
    // What runs is finished meanwhile; what cannot be finished in time goes back after it.
    await Promise.all([runner.drain(config.drainSecondsMax), handBack(waiting, parts)]);
    await handBack(
      [...live.values()].filter((job) => !waiting.includes(job)),
      parts,
    );
    await delivery.flush(flushSecondsMax);
    await geometry.flush(flushSecondsMax);
    await reporter.stop();
    await server.close();
    parts.pool.close();
    await parts.kernels.close();
    await Promise.all([parts.edge.close(), parts.textToImage?.close(), parts.servers.close()]);
    log('stopped', { outbox: outbox.entries.size });
  };
  return { port: server.port, stop };
}

function appOf(
  config: Config,
  { registry, nonces, intake, admission, models, reporter }: Parts & { nonces: Nonces },
): Hono {
  return createApp({
    id: config.id,
    secrets: config.secrets,
    nonces,
    intake,
    registry,
    metricsToken: config.metricsToken,
    metricsOpen: ['127.0.0.1', '::1', 'localhost'].includes(config.host),
    unreadiness: () => admission.unreadiness(),
    reloadModels: () => models.reload().finally(() => reporter.now()),
  });
}
