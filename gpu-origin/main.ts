import { availableParallelism } from 'node:os';
import { readConfig } from './config.ts';
import { causeText, log } from './log.ts';
import { startOrigin, type Origin } from './origin.ts';

/** Starts the origin that the environment describes; SIGTERM and SIGINT stop it in good order, a second one at once. */
async function main(): Promise<void> {
  let stopping = false;
  let origin: Origin | null = null;
  const stop = async (signal: string) => {
    if (stopping) process.exit(1);
    stopping = true;
    log('signal', { signal });
    await origin?.stop();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => void stop(signal));
  origin = await startOrigin(readConfig(process.env, availableParallelism()));
}

main().catch((error: unknown) => {
  log('failed', { cause: causeText(error) });
  process.exit(1);
});
