import type { Outcome } from '../../test/security/run-attacks.ts';
import { atLeast, exactly, type Bound } from '../harness/result.ts';

/** The attacks of docs/security.md: fewer would mean that some were not made. */
const attacksMin = 67;

/** Whether every attack of the table was made and refused. One that was not made proves nothing, and is told apart. */
export function attacksAreRefused(outcomes: readonly Outcome[]): Bound[] {
  const count = (result: Outcome['result']) => outcomes.filter((outcome) => outcome.result === result).length;
  return [
    atLeast('attacks made', outcomes.length - count('not run'), attacksMin),
    exactly('attacks that were not refused', count('failed'), 0),
    exactly('attacks that could not be made', count('not run'), 0),
  ];
}
