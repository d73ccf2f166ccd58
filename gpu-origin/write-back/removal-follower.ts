import { readFile } from 'node:fs/promises';
import { Removals, type ReportAnswer } from '../../contract/removals.ts';
import { reportIntervalSeconds } from '../../contract/report.ts';
import { sweepPartialsOf, writeWhole } from '../disk/durable-file.ts';
import { causeText, log } from '../log.ts';
import type { CallEdge } from './edge-client.ts';
import type { GeometryStore } from './geometry-store.ts';

type FollowerOptions = {
  /** Where the place in the edge's list is kept; without it all surfaces are forgotten once. */
  file: string;
  geometry: GeometryStore;
  callEdge: CallEdge;
};

/** Forgets the surfaces that the edge has removed, in the order of its list, which it also goes on with after a restart. */
export class RemovalFollower {
  readonly #options: FollowerOptions;
  #place = 0;
  #following = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** Takes up the place that an earlier process had come to. */
  async recover(): Promise<void> {
    await sweepPartialsOf(this.#options.file);
    const text = await readFile(this.#options.file, 'utf8').catch(() => '');
    this.#place = /^\d{1,16}$/.test(text) ? Number(text) : 0;
  }

  /**
   * Comes as far as the list goes, one call at a time; never rejects. What fails, or comes while an earlier call is at
   * it, is left to the next report.
   */
  async follow({ removedTo }: ReportAnswer): Promise<void> {
    if (this.#following) return;
    this.#following = true;
    try {
      while (this.#place < removedTo) await this.#step();
    } catch (error) {
      log('removals not followed', { cause: causeText(error) });
    } finally {
      this.#following = false;
    }
  }

  async #step(): Promise<void> {
    const { file, geometry, callEdge } = this.#options;
    const { status, bytes } = await callEdge({
      method: 'GET',
      path: `/origin/removals?after=${this.#place}`,
      secondsMax: reportIntervalSeconds,
    });
    if (status !== 200) throw new Error(`the edge answered ${status}`);
    const { to, all, surfaces } = Removals.parse(JSON.parse(new TextDecoder().decode(bytes)));
    if (to <= this.#place) throw new Error(`the list of removals goes back to ${to}`);
    const removed = await (all ? geometry.forgetAll() : geometry.forget(surfaces));
    await writeWhole(file, String(to));
    this.#place = to;
    if (removed > 0) log('surfaces removed', { removed, all });
  }
}
