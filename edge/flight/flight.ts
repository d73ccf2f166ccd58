import { DurableObject } from 'cloudflare:workers';
import type { JobProgress } from '../../contract/job.ts';
import type { MeshManifest } from '../../contract/mesh.ts';
import type { Entries } from '../store/index-entries.ts';
import type { Manifests } from '../store/manifests.ts';
import { openStores, type StoreBindings } from '../store/stores.ts';
import { parseOrigins } from '../fleet/origins.ts';
import { FleetView } from '../fleet/fleet-view.ts';
import { flightBegan, flightEnded, jobLost } from './flight-counts.ts';
import { isolateRecorder, type Recorder } from '../stats/recorder.ts';
import { carry } from './carried-picture.ts';
import { FlightDispatcher, log } from './flight-dispatcher.ts';
import {
  backoffMsMax,
  canStart,
  checkMs,
  dueAtMs,
  expiresAtMs,
  givenSinceMs,
  isFinal,
  isOpen,
  leaseMs,
  leftView,
  startedRecord,
  viewOf,
  wasGiven,
  type FlightFailure,
  type FlightRecord,
  type FlightView,
  type Joined,
  type Lease,
} from './flight-record.ts';
import { FlightPayments, type PayingTenants } from './flight-payments.ts';
import { FlightStore } from './flight-store.ts';
import { FlightWatchers, type FlightListeners } from './flight-watchers.ts';
import { judgeReturn, lossOf, type Loss } from './rank.ts';
import type { FleetObjects } from '../fleet/calls.ts';
import type { StatsObjects } from '../stats/calls.ts';
import { waitMsMax, type FlightCalls, type JoinOptions, type OpenJob } from './calls.ts';
import { Waiters } from './waiters.ts';

/** How many origins may fail a job before the job itself is blamed. */
const attemptsMax = 5;

/** How long a failed or cancelled flight is remembered; a picture's own fault is answered from here meanwhile. */
const outcomeKeptMs = 5 * 60_000;

/** The bindings that a Flight object takes. */
export type FlightBindings = StoreBindings & {
  FLEET: FleetObjects;
  TENANT: PayingTenants;
  WEBHOOKS: FlightListeners;
  STATS: StatsObjects;
  /** JSON text of the GPU origins. */
  ORIGINS: string;
};

/** The one flight of a request key: who waits for the mesh, and which origin is making it. */
export class Flight extends DurableObject<FlightBindings> implements FlightCalls {
  readonly #store: FlightStore;
  readonly #manifests: Manifests;
  readonly #entries: Entries;
  readonly #fleet: FleetView;
  readonly #recorder: Recorder;
  readonly #waiters = new Waiters<FlightView>();
  readonly #watchers: FlightWatchers;
  readonly #payments: FlightPayments;
  readonly #dispatcher: FlightDispatcher;
  /** The writing of the open flight's index entries; null where this object has not begun it. */
  #announced: Promise<void> | null = null;

  constructor(state: DurableObjectState, env: FlightBindings) {
    super(state, env);
    this.#store = new FlightStore(state.storage);
    this.#watchers = new FlightWatchers(state, env.WEBHOOKS);
    this.#payments = new FlightPayments(state, env.TENANT);
    const { manifests, entries, inputs, modelList } = openStores(env);
    this.#manifests = manifests;
    this.#entries = entries;
    this.#fleet = new FleetView({ fleet: env.FLEET, copy: modelList });
    this.#recorder = isolateRecorder(env.STATS);
    this.#dispatcher = new FlightDispatcher({
      state,
      store: this.#store,
      fleet: this.#fleet,
      origins: parseOrigins(env.ORIGINS),
      inputs,
      fail: (record, failure) => this.#end(record, failure),
    });
  }

  async join({ job, payer, picture }: JoinOptions): Promise<Joined> {
    if (canStart(this.#store.load())) {
      // The caller looked before it called; the mesh may have come in between, and must not be made twice. The caller
      // asked the copies too, so only the truth can know more.
      const stored = await this.#manifests.readTruth(job.key);
      if (stored) return { is: 'stored', manifest: stored.manifest };
    }
    while (this.#payments.paying !== null) await this.#payments.paying;
    const found = this.#store.load();
    if (found === null || canStart(found)) return this.#start({ job, payer, picture, replaces: null });
    if (found.state.is === 'failed') return { is: 'refused', failure: found.state.failure };
    return this.#joined(found, payer.tenant);
  }

  async refresh({ job, payer, picture }: JoinOptions): Promise<Joined> {
    const replaces = (await this.#manifests.readTruth(job.key))?.etag ?? null;
    while (this.#payments.paying !== null) await this.#payments.paying;
    const found = this.#store.open();
    if (found === null) return this.#start({ job, payer, picture, replaces });
    // A flight that never heard that its mesh was stored must not end with that one.
    if (found.replaces !== replaces) this.#store.save({ ...found, replaces });
    return this.#joined(found, payer.tenant);
  }

  async announce(): Promise<void> {
    const record = this.#store.open();
    if (record === null) return;
    const { key, imageSha256, model } = record.job;
    this.#announced ??= this.#entries.writeFlight({ key, imageSha256, model: model.id }).catch((error) => {
      this.#announced = null;
      throw error;
    });
    await this.#announced;
  }

  peek(): FlightView {
    const record = this.#store.load();
    return record === null ? { is: 'gone' } : viewOf(record);
  }

  async wait({ revision, waitMs }: { revision: number; waitMs: number }): Promise<FlightView> {
    const record = this.#store.load();
    if (record === null || !isOpen(record) || record.revision !== revision) return this.peek();
    return this.#waiters.hold(Math.min(waitMs, waitMsMax), () => this.peek());
  }

  isPaidBy(paymentId: string): boolean {
    return this.#store.open()?.payment.id === paymentId;
  }

  watch(tenant: string): FlightView {
    if (this.#store.open() !== null) this.#watchers.add(tenant);
    return this.peek();
  }

  openJob(lease: Lease): OpenJob | { is: 'gone' } | { is: 'not_leased' } {
    const record = this.#store.load();
    if (record === null || record.state.is === 'cancelled' || record.state.is === 'withdrawn') return { is: 'gone' };
    // defence: API10-11
    if (!wasGiven(record, lease)) return { is: 'not_leased' };
    const { job, replaces } = record;
    return { is: 'open', job, replaces, givenSinceMs: givenSinceMs(record, lease.originId) };
  }

  async finish(manifest: MeshManifest): Promise<'cancelled' | 'withdrawn' | null> {
    const record = this.#store.load();
    const end = record?.state.is;
    if (end === 'withdrawn') return end;
    if (record !== null && isOpen(record)) {
      flightEnded(record, { outcome: 'completed' }, this.#recorder);
      this.#payments.charge(record.payment, manifest.gpuMs);
    }
    this.#watchers.tellAll(manifest.key, { is: 'completed', manifest });
    const forgotten = this.#store.forget();
    this.#waiters.wake({ is: 'completed', manifest });
    await forgotten;
    return end === 'cancelled' ? end : null;
  }

  withdraw(): boolean {
    const record = this.#store.open();
    if (record === null) return false;
    this.#drop(record, 'withdrawn');
    return true;
  }

  fail({ lease, failure }: { lease: Lease; failure: FlightFailure }): void {
    const record = this.#store.open();
    if (record === null || !wasGiven(record, lease)) return;
    if (lease.fence === record.fence || isFinal(failure)) this.#end(record, failure);
  }

  progress(originId: string, { fence, stage, progress }: JobProgress): 'noted' | 'gone' | 'not_leased' {
    const record = this.#store.open();
    if (record === null) return 'gone';
    // defence: API10-12
    if (!wasGiven(record, { originId, fence })) return 'not_leased';
    const { state } = record;
    if (state.is !== 'dispatched' || fence !== record.fence) return 'noted';
    record.state = { ...state, stage, leaseEndsAtMs: Date.now() + leaseMs };
    record.progress = Math.max(record.progress, progress);
    this.#change(record);
    return 'noted';
  }

  async giveBack(lease: Lease): Promise<'taken' | 'kept' | 'gone' | 'not_leased'> {
    const origins = await this.#fleet.origins();
    const record = this.#store.open();
    // defence: API10-13
    if (record !== null && !wasGiven(record, lease)) return 'not_leased';
    const { answer, passOn } = judgeReturn(lease, { record, origins });
    if (passOn !== null) {
      this.#change(passOn);
      this.ctx.waitUntil(this.#dispatcher.dispatch());
    }
    return answer;
  }

  leave(tenant: string): FlightView {
    const record = this.#store.open();
    if (record === null) return this.peek();
    if (this.#store.removeLastTenant(tenant)) this.#drop(record, 'cancelled');
    else this.#watchers.tellOne(tenant, record.job.key, leftView(record));
    return this.peek();
  }

  override async alarm(): Promise<void> {
    const record = this.#store.load();
    if (record === null) return;
    try {
      await this.#lookAfter(record);
    } catch (error) {
      // A throwing alarm is tried only a few times more; a flight must be looked after until it ends.
      log('flight_alarm_failed', { key: record.job.key, error: String(error) });
      await this.#store.lookAgainAt(Date.now() + backoffMsMax);
    }
  }

  async #lookAfter(record: FlightRecord): Promise<unknown> {
    const now = Date.now();
    if (!isOpen(record)) {
      return now >= dueAtMs(record) ? this.#store.forget() : this.#store.save(record);
    }
    if (now >= expiresAtMs(record)) {
      return this.#end(record, { code: 'mesh_failed', message: 'No origin made this mesh in time.' });
    }
    const stored = await this.#manifests.readTruth(record.job.key);
    // What a refresh is to replace does not end it; what took that one's place does.
    if (stored && stored.etag !== this.#store.load()?.replaces) return this.finish(stored.manifest);
    const origins = await this.#fleet.origins();
    const current = this.#store.open();
    if (current === null) return;
    if (current.state.is === 'dispatched') {
      const loss = lossOf(current.state, origins, now);
      if (loss === null) return this.#store.save({ ...current, state: { ...current.state, checkAtMs: now + checkMs } });
      if (this.#takeBack(current, { id: current.state.originId, loss }) === 'ended') return;
    }
    await this.#dispatcher.dispatch();
  }

  #joined(record: FlightRecord, tenant: string): Joined {
    this.#store.addTenant(tenant);
    return { is: 'flying', status: 'joined', flight: viewOf(record), budget: null };
  }

  #start({ job, payer, picture, replaces }: JoinOptions & { replaces: string | null }): Promise<Joined> {
    return this.#payments.start({ key: job.key, payer }, (payment, budget) => {
      const record = startedRecord({ job, payment, replaces, last: this.#store.load(), now: Date.now() });
      this.#store.clearTenants();
      this.#store.addTenant(payer.tenant);
      this.#store.save(record);
      flightBegan(record, this.#recorder);
      this.ctx.waitUntil(carry(picture, (carried) => this.#dispatcher.dispatch(carried)));
      this.#announced = null;
      return { is: 'flying', status: 'miss', flight: viewOf(record), budget };
    });
  }

  /** Takes a job back from an origin that will not finish it as it was given. */
  #takeBack(record: FlightRecord, from: { id: string; loss: Loss }): 'ended' | 'queued' {
    log('flight_taken_back', { key: record.job.key, from });
    jobLost(record, from, this.#recorder);
    const failed = from.loss === 'late' || from.loss === 'silent';
    record.attempts += failed ? 1 : 0;
    record.last = { id: from.id, ask: failed ? 'last' : 'first' };
    if (record.attempts >= attemptsMax) {
      this.#end(record, { code: 'mesh_failed', message: `${attemptsMax} attempts to make this mesh failed.` });
      return 'ended';
    }
    record.state = { is: 'queued', driveAtMs: Date.now() + checkMs };
    this.#change(record);
    return 'queued';
  }

  #end(record: FlightRecord, failure: FlightFailure): void {
    record.state = { is: 'failed', failure, remembered: isFinal(failure), forgetAtMs: Date.now() + outcomeKeptMs };
    flightEnded(record, { outcome: 'failed', failure }, this.#recorder);
    this.#change(record);
  }

  #drop(record: FlightRecord, is: 'cancelled' | 'withdrawn'): void {
    const { state } = record;
    record.state = { is, forgetAtMs: Date.now() + outcomeKeptMs };
    flightEnded(record, { outcome: is }, this.#recorder);
    this.#change(record);
    if (state.is === 'dispatched') this.#dispatcher.cancelAt(state.originId, record);
  }

  #change(record: FlightRecord): void {
    record.revision += 1;
    this.#store.save(record);
    this.#waiters.wake(viewOf(record));
    if (isOpen(record)) return;
    this.#watchers.tellAll(record.job.key, viewOf(record));
    this.#payments.charge(record.payment, null);
  }
}
