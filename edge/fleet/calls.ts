import type { Removals } from '../../contract/removals.ts';
import type { Report } from '../../contract/report.ts';
import type { Objects, Stub } from '../objects.ts';
import type { ModelList } from './model-list.ts';

/** An origin as its last report has it. */
export type OriginStatus = {
  id: string;
  url: string;
  state: Report['state'];
  startedAtSeconds: number;
  /** Manifest digest of each model that it serves, by the model's id. */
  digests: Record<string, string>;
  /** The model that it has prompts turned into pictures with; null when it takes none. */
  textToImageModel: string | null;
  queueDepth: number;
  lanesReady: number;
};

/** The origins that are alive, and what one of them serves or served of late. */
export type FleetSnapshot = { origins: OriginStatus[]; list: ModelList };

/** Where the one Fleet object is. */
export type FleetObjects = Objects<FleetCalls>;

/** The one Fleet object. */
export function theFleet(fleets: FleetObjects): Stub<FleetCalls> {
  return fleets.getByName('fleet');
}

/** The calls of the Fleet object. */
export type FleetCalls = {
  /**
   * Takes an origin's report; the KV copy of the models is rewritten when they changed. Gives the place of the last
   * removal.
   */
  report(originId: string, report: Report): number;

  /** Everything that routing needs, from one call. */
  snapshot(): FleetSnapshot;

  /** Notes surfaces that are being removed from R2, for origins to forget too. */
  noteRemoved(surfaces: readonly string[]): void;

  /** The surfaces that were removed after a place in their order. */
  removals(after: number): Removals;

  /** Uses up a nonce; false when it was used before. It is kept for as long as its signature could hold. */
  spendNonce(nonce: string, signedAtSeconds: number): boolean;
};
