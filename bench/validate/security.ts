import type { Outcome } from '../../test/security/run-attacks.ts';
import { atLeast, exactly, type Bound } from '../harness/result.ts';

/** Fewer attacks than this would mean that the table is not the one that was written. */
const attacksMin = 50;

/** Whether every attack of the table was made and refused. One that was not made proves nothing, and is told apart. */
export function attacksAreRefused(outcomes: readonly Outcome[]): Bound[] {
  const count = (result: Outcome['result']) => outcomes.filter((outcome) => outcome.result === result).length;
  return [
    atLeast('attacks made', outcomes.length - count('not run'), attacksMin),
    exactly('attacks that were not refused', count('failed'), 0),
    exactly('attacks that could not be made', count('not run'), 0),
  ];
}
