import { Problem } from '../../contract/problem.ts';

/** What a job is told whose model was removed, or replaced by another content of the same name, while it was made. */
export function notServed(id: string): Problem {
  return new Problem('internal_error', `This origin no longer serves ${id} as it was when the job came.`);
}
