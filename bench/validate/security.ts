import type { Outcome } from '../../test/security/run-attacks.ts';
import { atLeast, exactly, type Bound } from '../harness/result.ts';

/** Fewer attacks than this would mean that the table is not the one that was written. */
const attacksMin = 50;

/** Whether every attack of the table was refused; one whose test could not be run counts as one that was not. */
export function attacksAreRefused(outcomes: readonly Outcome[]): Bound[] {
  const through = outcomes.filter(({ result }) => result !== 'passed');
  return [
    atLeast('attacks made', outcomes.length, attacksMin),
    exactly('attacks that were not refused', through.length, 0),
  ];
}
