import { theFleet, type FleetObjects, type FleetSnapshot, type OriginStatus } from './calls.ts';
import type { Model } from '../../contract/model.ts';
import { Problem } from '../../contract/problem.ts';
import { reportIntervalSeconds } from '../../contract/report.ts';
import type { ModelListCopy } from '../store/model-list-copy.ts';
import { findModel, readModelList, type ModelList } from './model-list.ts';

/** How long an isolate trusts what it read: who is alive, and which models there are, in milliseconds. */
const livenessMs = 2_000;
const modelsMs = 30_000;

type Remembered<T> = { value: T; atMs: number } | null;

/** What this isolate last heard of the fleet, shared by the Worker and the objects that run in it. */
const isolateMemory: { snapshot: Remembered<FleetSnapshot>; list: Remembered<ModelList>; listVersion: number } = {
  snapshot: null,
  list: null,
  listVersion: 0,
};

/** An isolate's view of the fleet, so that neither hits nor a flood of misses wear the Fleet object out. */
export class FleetView {
  readonly #namespace: FleetObjects;
  readonly #copy: ModelListCopy;
  readonly #memory = isolateMemory;

  constructor(bindings: { fleet: FleetObjects; copy: ModelListCopy }) {
    this.#namespace = bindings.fleet;
    this.#copy = bindings.copy;
  }

  /** The models, at most half a minute old; needs neither an origin nor, once the KV copy is there, the Fleet. */
  async models(): Promise<readonly Model[]> {
    return (await this.#list()).models;
  }

  /** The version of the model list that this isolate holds: each list that it reads has another. Null where it has none. */
  listVersion(): number | null {
    return isFresh(this.#memory.list, modelsMs) ? this.#memory.listVersion : null;
  }

  /**
   * The model that prompts are keyed with, as old as `models`; null when no origin takes prompts. With `current`, as
   * the Fleet has it: what a new job must be made with.
   */
  async textToImageModel({ current }: { current: boolean }): Promise<string | null> {
    const listed = current ? null : (await this.#list()).textToImageModel;
    return listed ?? (await this.#current()).list.textToImageModel;
  }

  async #list(): Promise<ModelList> {
    if (isFresh(this.#memory.list, modelsMs)) return this.#memory.list.value;
    // A KV null is never believed, as it may be an old absence, nor does a fault of KV end a request.
    const copy = await readModelList(this.#copy).catch((error: unknown) => {
      console.error(JSON.stringify({ event: 'models_copy_unread', error: String(error) }));
      return null;
    });
    if (copy === null || copy.models.length === 0) return (await this.#current()).list;
    this.#holdList(copy);
    return copy;
  }

  /**
   * The model that a name stands for, or null; one that is not listed here may be in the Fleet since a moment ago.
   * Throws the Problem `no_origin` when no origin has ever reported a model.
   */
  async findModel(name: string, defaultModel: string): Promise<Model | null> {
    const listed = findModel(await this.models(), name, defaultModel);
    if (listed !== null) return listed;
    const current = await this.currentModels();
    if (current.length > 0) return findModel(current, name, defaultModel);
    const retryAfterSeconds = reportIntervalSeconds;
    throw new Problem('no_origin', 'No origin has reported a model yet.', { retryAfterSeconds });
  }

  /** The models as the Fleet has them, at most a few seconds old: what a new job must be made with. */
  async currentModels(): Promise<readonly Model[]> {
    return (await this.#current()).list.models;
  }

  /** The origins that are alive, at most a few seconds old. */
  async origins(): Promise<readonly OriginStatus[]> {
    return (await this.#current()).origins;
  }

  /** Counts a job that this isolate just gave to an origin, until the origin's next report is seen. */
  noteDispatch(originId: string): void {
    const origin = this.#memory.snapshot?.value.origins.find((candidate) => candidate.id === originId);
    if (origin) origin.queueDepth += 1;
  }

  async #current(): Promise<FleetSnapshot> {
    if (isFresh(this.#memory.snapshot, livenessMs)) return this.#memory.snapshot.value;
    const value = await theFleet(this.#namespace).snapshot();
    this.#memory.snapshot = { value, atMs: Date.now() };
    if (value.list.models.length > 0) this.#holdList(value.list);
    return value;
  }

  #holdList(value: ModelList): void {
    this.#memory.list = { value, atMs: Date.now() };
    this.#memory.listVersion += 1;
  }
}

function isFresh<T>(entry: Remembered<T>, ageMsMax: number): entry is NonNullable<Remembered<T>> {
  return entry !== null && Math.abs(Date.now() - entry.atMs) < ageMsMax;
}
