import type { Flights } from '../flight/calls.ts';
import type { PurgeOptions } from './purge.ts';

export type SweepOptions = Omit<PurgeOptions, 'colo' | 'endFlight'> & {
  flights: Flights;
  /** Bytes that meshes and their surfaces may take; 0 is no bound. */
  bytesMax: number;
};
