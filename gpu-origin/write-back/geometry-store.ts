import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestBytesOf } from '../digest.ts';
import { sweepPartials } from '../disk/durable-file.ts';
import { causeText, log } from '../log.ts';
import type { CallEdge } from './edge-client.ts';

/** A surface before encoding; its texture picture is most of it. */
const geometryBytesMax = 64 * 1024 * 1024;

/** Surfaces on their way to the edge at once. */
const uploadsMax = 4;
const lookUpSecondsMax = 5;
const digestBytes = 32;

type GeometryOptions = { folder: string; bytesMax: number; callEdge: CallEdge };

/**
 * Surfaces by geometry key: a disk cache bounded in bytes, least recently used first out, in front of the edge's copy.
 * Both are a help only: what fails or is damaged counts as absent.
 */
export class GeometryStore {
  readonly #options: GeometryOptions;
  /** Bytes of each cached file, least recently used first. */
  readonly #sizes = new Map<string, number>();
  #bytes = 0;
  /** Surfaces on this disk that the edge has not been sent, and those of them whose turn it is. */
  readonly #unsent = new Set<string>();
  readonly #due = new Set<string>();
  readonly #uploads = new Set<Promise<void>>();
  /** Ends uploads that the origin's stop cannot wait for. */
  readonly #hurry = new AbortController();
  /** Times that something was to be forgotten. */
  #forgotten = 0;

  constructor(options: GeometryOptions) {
    this.#options = options;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes up the files of an earlier process. */
  async recover(): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true });
    const names = await sweepPartials(this.#options.folder);
    const files = await Promise.all(names.map(async (name) => ({ name, stats: await stat(this.#path(name)) })));
    files.sort((a, b) => a.stats.mtimeMs - b.stats.mtimeMs);
    for (const { name, stats } of files) this.#count(name, stats.size);
    await this.#evict();
  }

  /** The surface under a key, from this disk or from the edge; null when neither has it. */
  async get(key: string, signal: AbortSignal): Promise<Uint8Array | null> {
    const cached = this.#sizes.has(key) ? await this.#readCached(key) : null;
    if (cached !== null) return cached;
    const forgotten = this.#forgotten;
    try {
      const { status, bytes } = await this.#options.callEdge({
        method: 'GET',
        path: `/origin/geometry/${key}`,
        signal,
        secondsMax: lookUpSecondsMax,
        answerBytesMax: geometryBytesMax,
      });
      if (status !== 200) return null;
      await this.#writeCached(key, bytes);
      // This may be what was removed while it was on its way, here or to the disk.
      if (forgotten !== this.#forgotten) await this.#drop(key);
      return bytes;
    } catch (error) {
      signal.throwIfAborted();
      log('geometry not read from the edge', { key, cause: causeText(error) });
      return null;
    }
  }

  /** Keeps a surface on this disk, for the edge to be sent once it has a mesh of it; never rejects. */
  async put(key: string, bytes: Uint8Array): Promise<void> {
    if (bytes.byteLength > geometryBytesMax) return;
    await this.#writeCached(key, bytes);
    if (this.#sizes.has(key)) this.#unsent.add(key);
  }

  /** Removes surfaces from this disk, and so from what is to be sent; how many were there. */
  async forget(keys: Iterable<string>): Promise<number> {
    this.#forgotten += 1;
    let removed = 0;
    for (const key of keys) {
      if (this.#sizes.has(key)) removed += 1;
      await this.#drop(key);
    }
    return removed;
  }

  /** Removes all surfaces; how many there were. */
  forgetAll(): Promise<number> {
    return this.forget([...this.#sizes.keys()]);
  }

  /**
   * Begins to send those of these surfaces that the edge has not been sent and that are still on this disk; called when
   * it has taken a mesh of them, as it keeps no others.
   */
  send(keys: Iterable<string>): void {
    for (const key of keys) if (this.#unsent.delete(key)) this.#due.add(key);
    this.#sendDue();
  }

  /** Waits for what is to be sent; what the edge has not taken after `secondsMax` is kept on this disk only. The last call. */
  async flush(secondsMax: number): Promise<void> {
    const timer = setTimeout(() => {
      this.#due.clear();
      this.#hurry.abort(new Error(`the origin stops, and this took more than ${secondsMax} s`));
    }, secondsMax * 1000);
    while (this.#uploads.size > 0) await Promise.race(this.#uploads);
    clearTimeout(timer);
  }

  #sendDue(): void {
    for (const key of this.#due) {
      if (this.#uploads.size >= uploadsMax) return; // the end of each comes here again
      this.#due.delete(key);
      const upload = this.#upload(key).finally(() => {
        this.#uploads.delete(upload);
        this.#sendDue();
      });
      this.#uploads.add(upload);
    }
  }

  async #upload(key: string): Promise<void> {
    const path = `/origin/geometry/${key}`;
    try {
      const body = await this.#readCached(key);
      if (body === null) return;
      const { signal } = this.#hurry;
      const mediaType = 'application/octet-stream';
      const answer = await this.#options.callEdge({ method: 'PUT', path, body, mediaType, signal });
      if (answer.status >= 300) log('geometry not taken by the edge', { key, status: answer.status });
    } catch (error) {
      log('geometry not sent to the edge', { key, cause: causeText(error) });
    }
  }

  async #readCached(key: string): Promise<Uint8Array | null> {
    try {
      const file = await readFile(this.#path(key));
      const bytes = file.subarray(digestBytes);
      if (!digestBytesOf(bytes).equals(file.subarray(0, digestBytes))) throw new Error('the file is damaged');
      this.#count(key, file.byteLength);
      const now = new Date();
      await utimes(this.#path(key), now, now);
      return bytes;
    } catch (error) {
      log('geometry not read from disk', { key, cause: causeText(error) });
      await this.#drop(key);
      return null;
    }
  }

  async #writeCached(key: string, bytes: Uint8Array): Promise<void> {
    const partial = `${this.#path(key)}.${crypto.randomUUID()}.partial`;
    try {
      // Not synced: the digest in front tells a torn file apart, and a lost one is made again.
      await writeFile(partial, Buffer.concat([digestBytesOf(bytes), bytes]));
      await rename(partial, this.#path(key));
      this.#count(key, bytes.byteLength + digestBytes);
      await this.#evict();
    } catch (error) {
      log('geometry not kept on disk', { key, cause: causeText(error) });
      await rm(partial, { force: true });
    }
  }

  async #evict(): Promise<void> {
    for (const key of this.#sizes.keys()) {
      if (this.#bytes <= this.#options.bytesMax) return;
      await this.#drop(key);
    }
  }

  #count(key: string, bytes: number): void {
    this.#bytes += bytes - (this.#sizes.get(key) ?? 0);
    this.#sizes.delete(key); // set again below as the most recently used
    this.#sizes.set(key, bytes);
  }

  async #drop(key: string): Promise<void> {
    this.#bytes -= this.#sizes.get(key) ?? 0;
    this.#sizes.delete(key);
    this.#unsent.delete(key);
    this.#due.delete(key);
    await rm(this.#path(key), { force: true });
  }

  #path(name: string): string {
    return join(this.#options.folder, name);
  }
}
