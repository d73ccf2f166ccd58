import { Problem } from '../../contract/problem.ts';
import { causeText, log } from '../log.ts';

/** Seconds after which a call may come back that found no room on the disk. */
const retryAfterSeconds = 30;

/** What a call is told whose write failed: `no_origin` for want of room, else the failure itself. */
export function problemOfWrite(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  log('disk full', { cause: causeText(error) });
  return new Problem('no_origin', 'This origin has no room on its disk.', { retryAfterSeconds, cause: error });
}
