import type { Flights } from '../flight/calls.ts';
import type { Manifests } from '../store/manifests.ts';
import { limitProblem, type Payer } from '../tenant/budget.ts';
import type { Tenants } from '../tenant/tenants.ts';

export type UnpaidOptions = { tenants: Tenants; flights: Flights; manifests: Manifests };

/**
 * Refuses a miss that nobody can pay for before its picture is stored, since what is stored costs the operator and stays
 * for a day. Throws the Problems `insufficient_quota` and `rate_limit_exceeded`. Joining a flight that is there is free.
 */
export async function refuseUnpaid(
  { key, payer }: { key: string; payer: Payer },
  { tenants, flights, manifests }: UnpaidOptions,
): Promise<void> {
  if (payer.account === null) return; // under no limit
  const refusal = await tenants.refusal(key, payer);
  // defence: API4-8
  if (refusal === null) return;
  const flight = await flights.getByName(key).peek();
  const isThere = flight.is === 'failed' ? flight.remembered : flight.is !== 'gone' && flight.is !== 'cancelled';
  // The flight may have ended well since the caller looked.
  if (!isThere && (await manifests.readTruth(key)) === null) throw limitProblem(refusal);
}
