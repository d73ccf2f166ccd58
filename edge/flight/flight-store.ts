import { dueAtMs, isOpen, type FlightRecord } from './flight-record.ts';

const recordKey = 'flight';
const tenantPrefix = 'tenant:';

/** A flight's SQLite storage. Reads are synchronous, so nothing changes between a read and the write that follows. */
export class FlightStore {
  readonly #storage: DurableObjectStorage;
  /** Whether what is on disk is forgotten, and about to go. */
  #forgotten = false;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** The flight's record, null when there is no flight; asking stores nothing. */
  load(): FlightRecord | null {
    const record = this.#forgotten ? undefined : this.#storage.kv.get<FlightRecord>(recordKey);
    return record === undefined ? null : withKnownLeases(record);
  }

  /** The record of a flight that somebody may still finish. */
  open(): FlightRecord | null {
    const record = this.load();
    return record !== null && isOpen(record) ? record : null;
  }

  /** Keeps a record and sets the object's one alarm to when it is due. */
  save(record: FlightRecord): void {
    this.#forgotten = false;
    this.#storage.kv.put(recordKey, record);
    // The output gate holds every answer until both writes are durable.
    void this.#storage.setAlarm(dueAtMs(record));
  }

  /** Puts the alarm off when looking after the flight failed. */
  async lookAgainAt(timeMs: number): Promise<void> {
    await this.#storage.setAlarm(timeMs);
  }

  addTenant(tenant: string): void {
    this.#storage.kv.put(tenantPrefix + tenant, true);
  }

  /** True when the tenant was there and no other is left. */
  removeLastTenant(tenant: string): boolean {
    return this.#storage.kv.delete(tenantPrefix + tenant) && this.#tenants(1).length === 0;
  }

  clearTenants(): void {
    for (const [name] of this.#tenants()) this.#storage.kv.delete(name);
  }

  /**
   * Removes the record and the alarm. The record is hidden at once and deleted a moment later: the output gate delays
   * replies until writes are durable, so waiters are woken before the delete. A flight that begins in between stays.
   * If the object is reset in between, the alarm finds the record on disk.
   */
  async forget(): Promise<void> {
    this.#forgotten = true;
    await scheduler.wait(0);
    if (!this.#forgotten) return;
    await this.#storage.deleteAlarm();
    await this.#storage.deleteAll();
    this.#forgotten = false;
  }

  #tenants(limit?: number): [string, true][] {
    return [...this.#storage.kv.list<true>({ prefix: tenantPrefix, ...(limit !== undefined && { limit }) })];
  }
}

/**
 * A record from before leases were kept, in the air while its edge was deployed anew: the origin that has the job is
 * written in it, and keeps its right to end it.
 */
function withKnownLeases(record: Omit<FlightRecord, 'leases'> & Partial<FlightRecord>): FlightRecord {
  const { leases, state, fence } = record;
  if (leases !== undefined) return { ...record, leases };
  return { ...record, leases: state.is === 'dispatched' ? [{ originId: state.originId, fence }] : [] };
}
