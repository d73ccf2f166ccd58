import type { Stub } from '../objects.ts';
import type {
  Claim,
  ClaimedJob,
  ListOptions,
  ListPage,
  ListedMesh,
  TenantCalls,
  TenantNote,
  TenantObjects,
} from './calls.ts';
import { Problem } from '../../contract/problem.ts';
import { Memory } from '../store/memory.ts';
import type { Background } from '../store/tiers.ts';
import type { Payer, Refusal } from './budget.ts';
import type { MissLimits } from './limit-settings.ts';
import type { OwnLimits } from './ledger.ts';
import type { UsageDay } from './usage-counts.ts';

/** Memory for notes an isolate has made lately, in bytes, so that a popular mesh costs its tenant few calls. */
const notedBytesMax = 1024 * 1024;

const isolateMemory = new Memory<string>({
  bytesMax: notedBytesMax,
  sizeOf: (text) => 2 * text.length,
  now: () => Date.now(),
});

/** Retry-After when all idempotency keys of a tenant are taken, in seconds. */
const claimsFullRetrySeconds = 60;

/** The Tenant objects: what belongs to a tenant and not to a mesh. */
export class Tenants {
  readonly #namespace: TenantObjects;
  readonly #noted = isolateMemory;

  constructor(namespace: TenantObjects) {
    this.#namespace = namespace;
  }

  /** Notes a mesh before the answer: for a miss, whose id must be found again, and for accepted metadata. */
  async note(tenant: string, note: TenantNote): Promise<void> {
    await this.#of(tenant).note(note);
    const name = noteName(tenant, note.mesh.key);
    this.#noted.set(name, name);
  }

  /**
   * Notes a mesh after the answer: for a hit. If the note is lost, the mesh is missing from the list until the next
   * request, and the next request by digest is a 409.
   */
  noteLater(tenant: string, note: TenantNote, background: Background): void {
    if (this.hasNoted(tenant, note.mesh.key)) return;
    const noted = this.note(tenant, note).catch((error: unknown) => {
      console.error(JSON.stringify({ event: 'tenant_note_lost', tenant, key: note.mesh.key, error: String(error) }));
    });
    background.waitUntil(noted);
  }

  /** Whether this isolate noted a tenant's mesh a moment ago. */
  hasNoted(tenant: string, key: string): boolean {
    return this.#noted.get(noteName(tenant, key)) !== null;
  }

  /** Whether the tenant has sent this picture before. */
  knowsImage(tenant: string, sha256: string): Promise<boolean> {
    return this.#of(tenant).knowsImage(sha256);
  }

  /** The tenant's own entry of a mesh, or null. */
  listed(tenant: string, key: string): Promise<ListedMesh | null> {
    return this.#of(tenant).listed(key);
  }

  /** A page of the tenant's meshes, null when `afterKey` is none of them. */
  list(tenant: string, options: ListOptions): Promise<ListPage> {
    return this.#of(tenant).list(options);
  }

  /** Removes a mesh from the tenant's list. False if it was not on it. */
  async forget(tenant: string, key: string): Promise<boolean> {
    this.#noted.delete(noteName(tenant, key));
    return this.#of(tenant).forget(key);
  }

  /**
   * Claims an idempotency key: null if it is new, else the plan of its first request. Throws the Problems
   * `idempotency_key_reused` and, when the tenant has too many keys, `rate_limit_exceeded`.
   */
  async claim(
    tenant: string,
    claim: { name: string; fingerprint: string; plan: ClaimedJob },
  ): Promise<Extract<Claim, { is: 'repeat' }> | null> {
    const found = await this.#of(tenant).claim(claim);
    if (found.is === 'taken') {
      throw new Problem('idempotency_key_reused', 'This Idempotency-Key was sent with another request.');
    }
    if (found.is === 'full') {
      const message = 'Too many idempotency keys are in use; each is kept for 24 hours.';
      throw new Problem('rate_limit_exceeded', message, { retryAfterSeconds: claimsFullRetrySeconds });
    }
    return found.is === 'repeat' ? found : null;
  }

  /** Records that the refresh under an idempotency key has its flight. */
  async noteRefreshed(tenant: string, name: string): Promise<void> {
    await this.#of(tenant).noteRefreshed(name);
  }

  /** What the tenant used, by day. */
  usage(tenant: string, range: { from: string; to: string }): Promise<UsageDay[]> {
    return this.#of(tenant).usage(range);
  }

  /** What the tenant's misses may cost. */
  limits(tenant: string): Promise<MissLimits> {
    return this.#of(tenant).limits(tenant);
  }

  /**
   * Why a flight could not be paid for now. Null if it could. Reserves nothing: only the flight's own reserve is
   * exact.
   */
  refusal(flight: string, payer: Payer): Promise<Refusal | null> {
    return this.#of(payer.tenant).refusal({ flight, ...payer });
  }

  /** Sets limits for this tenant. Null means the limit that every tenant has. */
  async setLimits(tenant: string, limits: OwnLimits): Promise<void> {
    await this.#of(tenant).setLimits(limits);
  }

  #of(tenant: string): Stub<TenantCalls> {
    return this.#namespace.getByName(/* defence: API1-4 */ tenant);
  }
}

function noteName(tenant: string, key: string): string {
  return `${tenant} ${key}`;
}
