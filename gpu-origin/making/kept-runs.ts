import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { causeText, log } from '../log.ts';
import type { AskServer, Infer } from '../families/family.ts';

type Run = Parameters<Infer>[0];
type Outcome = Awaited<ReturnType<Infer>>;
type Answer = Awaited<ReturnType<AskServer>>;

/** Bytes of outputs that are kept of one job: an encoder's planes, a matte and two sheets are far below. */
const keptBytesMax = 16 * 1024 * 1024;

/**
 * Keeps what each run of a job gave in `folder` until the job is done, so that an origin killed between inference and
 * result does not ask the accelerator again. Not synced to disk: a power cut may cost one run, a killed process none.
 * What a run gave is written in the very turn in which the run ended, a fraction of a millisecond for what most give:
 * a run that is counted is kept.
 * A run that is one of many is not kept: a field has thousands, of a few milliseconds each, and the digest of what each
 * takes costs this thread as much.
 */
export function keepRuns(infer: Infer, folder: string): Infer {
  let keptBytes = 0;
  return async (run) => {
    if (run.oneOfMany === true) return infer(run);
    const path = join(folder, nameOf(run));
    const kept = await read<Outcome>(path);
    const outcome = kept ?? (await infer(run));
    if (keptBytes + bytesOf(outcome) > keptBytesMax) return outcome;
    keptBytes += bytesOf(outcome);
    if (kept === null) writeNow(path, outcome);
    return outcome;
  };
}

/** The same for the one answer of a mesh server that a job needs, of any size: it costs the most of all. */
export function keepAnswer(askServer: AskServer, folder: string): AskServer {
  const path = join(folder, 'answer');
  return async (question) => {
    const kept = await read<Answer>(path);
    if (kept !== null) return kept;
    const answer = await askServer(question);
    await write(path, answer);
    return answer;
  };
}

/** A run's name among those of its job: a digest of all that its outputs depend on. */
function nameOf({ model, graph, inputs }: Run): string {
  const hash = createHash('sha256').update(`${model.digest}\n${graph}`);
  for (const [name, { data, dims }] of Object.entries(inputs))
    hash.update(`\n${name} ${dims.join('x')}\n`).update(data);
  return hash.digest('hex');
}

async function read<Kept>(path: string): Promise<Kept | null> {
  try {
    return deserialize(await readFile(path)) as Kept;
  } catch {
    return null; // not there, or not whole
  }
}

function writeNow(path: string, outcome: Outcome): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.partial`, serialize(outcome));
    renameSync(`${path}.partial`, path);
  } catch (error) {
    logNotKept(path, error);
  }
}

async function write(path: string, answer: Answer): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.partial`, serialize(answer));
    await rename(`${path}.partial`, path);
  } catch (error) {
    logNotKept(path, error);
  }
}

/** It costs a run after a crash, no more. */
function logNotKept(path: string, error: unknown): void {
  log('run not kept', { path, cause: causeText(error) });
}

function bytesOf({ outputs }: Outcome): number {
  return Object.values(outputs).reduce((sum, { data }) => sum + data.byteLength, 0);
}
