import type { Flight } from './flight.ts';

type Call =
  | 'join'
  | 'announce'
  | 'refresh'
  | 'peek'
  | 'wait'
  | 'watch'
  | 'isPaidBy'
  | 'openJob'
  | 'finish'
  | 'fail'
  | 'progress'
  | 'giveBack'
  | 'leave'
  | 'withdraw';

/** The calls that others make of a Flight. The library's own mapped type turns the tuples of a manifest into arrays. */
export type FlightCalls = {
  [Name in Call]: (...args: Parameters<Flight[Name]>) => Promise<Awaited<ReturnType<Flight[Name]>>>;
};

/** The one Flight object of a request key. */
export function flightOf(namespace: DurableObjectNamespace<Flight>, key: string): FlightCalls {
  return namespace.getByName(key) as unknown as FlightCalls;
}
