import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Sha256 } from '../../contract/digest.ts';
import { JobResult } from '../../contract/job.ts';
import { Trace } from '../../contract/trace.ts';
import { sweepPartials, syncFolderOf, writeWhole } from '../disk/durable-file.ts';
import { createInOrder } from '../disk/in-order.ts';
import { causeText, log } from '../log.ts';

const OutboxEntry = z.strictObject({
  key: Sha256,
  /** `shared`, or the tenant whose private result this is. */
  scope: z.string(),
  result: JobResult,
  blobs: z.array(z.strictObject({ sha256: Sha256, bytes: z.number().int(), mediaType: z.string() })),
  finishedAtMs: z.number(),
  trace: Trace.optional(),
});

/** A finished job that the edge has not confirmed yet. */
export type OutboxEntry = z.infer<typeof OutboxEntry>;

type OutboxOptions = {
  folder: string;
  bytesMax: number;
  /** Called when a result has left that nobody wants. */
  onDropped: (entry: OutboxEntry) => Promise<void>;
};

/**
 * Finished results on disk, `<key>.json` beside `<key>.<sha256>` for each blob, from before the job leaves the spool
 * until the edge has confirmed or refused them. `bytesMax` stops new jobs, it never drops a result: those in progress
 * may still go past it.
 */
export class Outbox {
  readonly #folder: string;
  readonly #bytesMax: number;
  readonly #onDropped: OutboxOptions['onDropped'];
  readonly #inOrder = createInOrder();
  readonly #entries = new Map<string, OutboxEntry>();
  #bytes = 0;

  constructor(options: OutboxOptions) {
    this.#folder = options.folder;
    this.#bytesMax = options.bytesMax;
    this.#onDropped = options.onDropped;
  }

  get entries(): ReadonlyMap<string, OutboxEntry> {
    return this.#entries;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get bytesMax(): number {
    return this.#bytesMax;
  }

  get full(): boolean {
    return this.#bytes >= this.#bytesMax;
  }

  /** Takes up what an earlier process left; leftovers that are no whole result are removed. */
  async recover(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const names = await sweepPartials(this.#folder);
    for (const name of names.filter((each) => each.endsWith('.json'))) {
      const entry = await this.#read(name);
      if (entry !== null) this.#keep(entry);
    }
    const blobs = new Set(
      [...this.#entries.values()].flatMap((entry) => entry.blobs.map((blob) => this.#blob(entry, blob))),
    );
    for (const name of names.filter((each) => !each.endsWith('.json'))) {
      if (!blobs.has(this.#path(name))) await rm(this.#path(name), { force: true });
    }
  }

  /** Stores a result with its blobs' bytes; when it returns, all outlast a power cut. */
  add(entry: OutboxEntry, blobs: readonly Uint8Array[]): Promise<void> {
    return this.#inOrder(entry.key, async () => {
      // Together, as each waits for the disk: an entry that lacks a blob after a crash is given up, and its job, which
      // is in the spool until this returns, is made again.
      await Promise.all([
        ...entry.blobs.map((blob, i) => writeWhole(this.#blob(entry, blob), blobBytesAt(blobs, i))),
        writeWhole(this.#json(entry.key), JSON.stringify(entry)),
      ]);
      await syncFolderOf(this.#json(entry.key));
      this.#keep(entry);
    });
  }

  /** Replaces what is to be said of a job whose blobs stay as they are; no effect when it has left. */
  update(key: string, change: (entry: OutboxEntry) => OutboxEntry): Promise<void> {
    return this.#inOrder(key, async () => {
      const entry = this.#entries.get(key);
      if (entry === undefined) return;
      const changed = change(entry);
      await writeWhole(this.#json(key), JSON.stringify(changed));
      this.#entries.set(key, changed);
    });
  }

  blobBytes(entry: OutboxEntry, blob: OutboxEntry['blobs'][number]): Promise<Uint8Array> {
    return readFile(this.#blob(entry, blob));
  }

  /** Removes a result that nobody wants. */
  async drop(key: string): Promise<void> {
    const entry = await this.remove(key);
    if (entry !== null) await this.#onDropped(entry);
  }

  /** Removes a result that the edge has; gives what was there. */
  remove(key: string): Promise<OutboxEntry | null> {
    return this.#inOrder(key, async () => {
      const entry = this.#entries.get(key);
      if (entry === undefined) return null;
      await rm(this.#json(key), { force: true });
      for (const blob of entry.blobs) await rm(this.#blob(entry, blob), { force: true });
      this.#entries.delete(key);
      this.#bytes -= bytesOf(entry);
      return entry;
    });
  }

  async #read(name: string): Promise<OutboxEntry | null> {
    try {
      const entry = OutboxEntry.parse(JSON.parse(await readFile(this.#path(name), 'utf8')));
      for (const blob of entry.blobs) await stat(this.#blob(entry, blob));
      return entry;
    } catch (error) {
      log('outbox entry given up', { file: name, cause: causeText(error) });
      await rm(this.#path(name), { force: true });
      return null;
    }
  }

  #keep(entry: OutboxEntry): void {
    const before = this.#entries.get(entry.key);
    this.#bytes += bytesOf(entry) - (before === undefined ? 0 : bytesOf(before));
    this.#entries.set(entry.key, entry);
  }

  #json(key: string): string {
    return this.#path(`${key}.json`);
  }

  #blob(entry: OutboxEntry, blob: OutboxEntry['blobs'][number]): string {
    return this.#path(`${entry.key}.${blob.sha256}`);
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

/** The bytes of a result's blob, which are given in the order of its blobs. */
function blobBytesAt(blobs: readonly Uint8Array[], place: number): Uint8Array {
  const bytes = blobs[place];
  if (bytes === undefined) throw new Error('a blob has no bytes; this is a bug');
  return bytes;
}

function bytesOf(entry: OutboxEntry): number {
  return entry.blobs.reduce((sum, blob) => sum + blob.bytes, 0);
}
