import type { Account, Budget, Payer, Reservation } from '../tenant/budget.ts';
import type { Joined, Payment } from './flight-record.ts';
import type { Objects } from '../objects.ts';
import type { TenantCalls } from '../tenant/calls.ts';

type Asked = { id: string; tenant: string; flight: string; account: Account | null };

/** What a flight asks of the tenant that pays for it. */
export type PayingTenants = Objects<Pick<TenantCalls, 'reserve' | 'settle'>>;

/** Has each flight of a key paid for once, however many requests would start it, and charged when it has ended. */
export class FlightPayments {
  readonly #state: DurableObjectState;
  readonly #tenants: PayingTenants;
  #paying: Promise<void> | null = null;

  constructor(state: DurableObjectState, tenants: PayingTenants) {
    this.#state = state;
    this.#tenants = tenants;
  }

  /** Ends when the request that is about to start the flight has done so, or may not; null when there is none. */
  get paying(): Promise<void> | null {
    return this.#paying;
  }

  /**
   * Starts the flight if its payer may; to be called in the turn in which `paying` was null. `begin` runs before it is
   * null again.
   */
  async start(
    { key, payer: { tenant, account } }: { key: string; payer: Payer },
    begin: (payment: Payment, budget: Budget | null) => Joined,
  ): Promise<Joined> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#paying = promise;
    try {
      const payment = { id: crypto.randomUUID(), tenant };
      const asked = { id: payment.id, tenant, flight: key, account };
      if (account === null) {
        this.#state.waitUntil(this.#note(asked));
        return begin(payment, null);
      }
      const reservation = await this.#reserve(asked);
      return reservation.is === 'reserved' ? begin(payment, reservation.budget) : { is: 'limited', by: reservation };
    } finally {
      this.#paying = null;
      resolve();
    }
  }

  /** Has a flight counted that is under no limit, and so need not wait for an answer. */
  async #note(asked: Asked): Promise<void> {
    // An object that is reset breaks its calls and their stubs.
    await this.#reserve(asked)
      .catch(() => this.#reserve(asked))
      .catch((error: unknown) => {
        console.warn(JSON.stringify({ event: 'flight_not_counted', ...asked, error: String(error) }));
      });
  }

  #reserve(asked: Asked): Promise<Reservation> {
    return this.#tenants.getByName(asked.tenant).reserve(asked);
  }

  /**
   * Charges what a flight cost, null where it gave nothing. A call that does not come through is made up for within
   * minutes by the Tenant object, which asks after its reserves.
   */
  charge({ id, tenant }: Payment, gpuMs: number | null): void {
    const charged = this.#tenants
      .getByName(tenant)
      .settle({ id, gpuMs })
      .catch((error: unknown) => {
        console.warn(JSON.stringify({ event: 'charged_late', tenant, payment: id, error: String(error) }));
      });
    this.#state.waitUntil(charged);
  }
}
