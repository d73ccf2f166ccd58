import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Job } from '../../contract/job.ts';
import { sweepPartials, syncFolderOf, writeWhole } from '../disk/durable-file.ts';
import { createInOrder } from '../disk/in-order.ts';
import { causeText, log } from '../log.ts';

const SpooledJob = z.strictObject({
  job: Job,
  acceptedAtMs: z.number(),
  /** Not in what an origin before this version has spooled. */
  sentAtMs: z.number().optional(),
  starts: z.number().int().nonnegative(),
});
type SpooledJob = z.infer<typeof SpooledJob>;

const jobSuffix = '.json';
const imageSuffix = '.image';
const runsSuffix = '.runs';

/**
 * The accepted jobs on disk, `<key>.json` beside `<key>.image` and the folder `<key>.runs`: a job is there from before
 * its 202 until its result is at the edge or in the outbox. Bounded by the queue's capacity times the largest image, and for each job that
 * has begun what is kept of its runs.
 */
export class Spool {
  readonly #folder: string;
  readonly #inOrder = createInOrder();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** What an earlier process left, oldest first; leftovers that are no whole job are removed. */
  async recover(): Promise<SpooledJob[]> {
    await mkdir(this.#folder, { recursive: true });
    const names = new Set(await sweepPartials(this.#folder));
    const found: SpooledJob[] = [];
    for (const name of names) {
      const key = name.replace(/\.(json|image|runs)$/, '');
      if (!names.has(key + jobSuffix) || !names.has(key + imageSuffix)) await this.remove(key);
      else if (name.endsWith(jobSuffix)) {
        const job = await this.#read(key);
        if (job !== null) found.push(job);
      }
    }
    return found.toSorted((a, b) => a.acceptedAtMs - b.acceptedAtMs);
  }

  /** Stores a job with its image's bytes; when it returns, both outlast a power cut. */
  put(job: SpooledJob, image: AsyncIterable<Uint8Array>): Promise<void> {
    const { key } = job.job;
    return this.#inOrder(key, async () => {
      await writeWhole(this.#path(key + imageSuffix), image);
      // The image first: a .json is the sign of a whole job.
      await writeWhole(this.#path(key + jobSuffix), textOf(job));
      await syncFolderOf(this.#path(key + jobSuffix));
    });
  }

  /** Stores a job's newer fence or count of starts. */
  update(job: SpooledJob): Promise<void> {
    const text = textOf(job);
    return this.#inOrder(job.job.key, () => writeWhole(this.#path(job.job.key + jobSuffix), text));
  }

  image(key: string): Promise<Uint8Array> {
    return readFile(this.#path(key + imageSuffix));
  }

  /** Folder for what a job's runs gave; it goes with the job. */
  runs(key: string): string {
    return this.#path(key + runsSuffix);
  }

  remove(key: string): Promise<void> {
    return this.#inOrder(key, async () => {
      await rm(this.#path(key + jobSuffix), { force: true });
      await rm(this.#path(key + imageSuffix), { force: true });
      await rm(this.runs(key), { recursive: true, force: true });
    });
  }

  async #read(key: string): Promise<SpooledJob | null> {
    try {
      return SpooledJob.parse(JSON.parse(await readFile(this.#path(key + jobSuffix), 'utf8')));
    } catch (error) {
      // A job of another contract version: the edge's lease runs out and another origin gets it.
      log('spooled job given up', { key, cause: causeText(error) });
      await this.remove(key);
      return null;
    }
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

function textOf({ job, acceptedAtMs, sentAtMs, starts }: SpooledJob): string {
  return JSON.stringify({ job, acceptedAtMs, sentAtMs, starts } satisfies SpooledJob);
}
