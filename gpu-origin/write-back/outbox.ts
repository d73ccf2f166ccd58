import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobResult } from '../../contract/job.ts';
import { sweepPartials, syncFolderOf, writeWhole } from '../disk/durable-file.ts';
import { createInOrder } from '../disk/in-order.ts';
import { causeText, log } from '../log.ts';
import { ShipmentRecord, recordOf, shipmentOf, withResult, type Shipment, type ShippedFile } from './shipment.ts';

type OutboxOptions = {
  folder: string;
  bytesMax: number;
  /** Called when a result that nobody wants has left. */
  onDropped: (shipment: Shipment) => Promise<void>;
};

/**
 * Finished results on disk, `<key>.json` beside `<key>.<sha256>` for each file, from before the job leaves the spool until
 * the edge has confirmed or refused the result. `bytesMax` stops new jobs and never drops a result: the jobs in progress
 * may still go past it.
 */
export class Outbox {
  readonly #folder: string;
  readonly #bytesMax: number;
  readonly #onDropped: OutboxOptions['onDropped'];
  readonly #inOrder = createInOrder();
  readonly #entries = new Map<string, Shipment>();
  #bytes = 0;

  constructor(options: OutboxOptions) {
    this.#folder = options.folder;
    this.#bytesMax = options.bytesMax;
    this.#onDropped = options.onDropped;
  }

  get entries(): ReadonlyMap<string, Shipment> {
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

  /** Takes up the results of an earlier process and removes leftovers that are no whole result. */
  async recover(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const names = await sweepPartials(this.#folder);
    for (const name of names.filter((each) => each.endsWith('.json'))) {
      const shipment = await this.#read(name);
      if (shipment !== null) this.#keep(shipment);
    }
    const files = new Set(
      [...this.#entries.values()].flatMap((shipment) => shipment.files.map((file) => this.#file(shipment, file))),
    );
    for (const name of names.filter((each) => !each.endsWith('.json'))) {
      if (!files.has(this.#path(name))) await rm(this.#path(name), { force: true });
    }
  }

  /** Stores a result with its files; when it returns, all outlast a power cut, and the outbox answers for the key. */
  add(shipment: Shipment): Promise<void> {
    return this.#inOrder(shipment.key, async () => {
      // Written together, as each write waits for the disk. An entry that lacks a file after a crash is given up: its
      // job stays in the spool until this returns, and is made again.
      await Promise.all([
        ...shipment.files.map((file) => writeWhole(this.#file(shipment, file), contentOf(file))),
        writeWhole(this.#json(shipment.key), JSON.stringify(recordOf(shipment))),
      ]);
      await syncFolderOf(this.#json(shipment.key));
      this.#keep({ ...shipment, files: shipment.files.map((file) => ({ ...file, content: null })) });
    });
  }

  /** Replaces a result whose files stay as they are; no effect once it has left. */
  update(key: string, change: (result: JobResult) => JobResult): Promise<void> {
    return this.#inOrder(key, async () => {
      const shipment = this.#entries.get(key);
      if (shipment === undefined) return;
      const changed = withResult(shipment, change(shipment.result));
      await writeWhole(this.#json(key), JSON.stringify(recordOf(changed)));
      this.#entries.set(key, changed);
    });
  }

  /** Reads the bytes of a stored file. */
  content(shipment: Shipment, file: ShippedFile): Promise<Uint8Array> {
    return readFile(this.#file(shipment, file));
  }

  /** Removes a result that nobody wants. */
  async drop(key: string): Promise<void> {
    const shipment = await this.remove(key);
    if (shipment !== null) await this.#onDropped(shipment);
  }

  /** Removes a result that the edge has; returns it, or null when there was none. */
  remove(key: string): Promise<Shipment | null> {
    return this.#inOrder(key, async () => {
      const shipment = this.#entries.get(key);
      if (shipment === undefined) return null;
      await rm(this.#json(key), { force: true });
      for (const file of shipment.files) await rm(this.#file(shipment, file), { force: true });
      this.#entries.delete(key);
      this.#bytes -= bytesOf(shipment);
      return shipment;
    });
  }

  async #read(name: string): Promise<Shipment | null> {
    try {
      const shipment = shipmentOf(ShipmentRecord.parse(JSON.parse(await readFile(this.#path(name), 'utf8'))));
      for (const file of shipment.files) await stat(this.#file(shipment, file));
      return shipment;
    } catch (error) {
      log('outbox entry given up', { file: name, cause: causeText(error) });
      await rm(this.#path(name), { force: true });
      return null;
    }
  }

  #keep(shipment: Shipment): void {
    const before = this.#entries.get(shipment.key);
    this.#bytes += bytesOf(shipment) - (before === undefined ? 0 : bytesOf(before));
    this.#entries.set(shipment.key, shipment);
  }

  #json(key: string): string {
    return this.#path(`${key}.json`);
  }

  #file({ key }: Shipment, { sha256 }: ShippedFile): string {
    return this.#path(`${key}.${sha256}`);
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

function contentOf({ content }: ShippedFile): Uint8Array {
  if (content === null) throw new Error('a file that is new to the outbox has no bytes; this is a bug');
  return content;
}

function bytesOf(shipment: Shipment): number {
  return shipment.files.reduce((sum, file) => sum + file.bytes, 0);
}
