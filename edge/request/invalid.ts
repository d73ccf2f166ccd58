import type { z } from 'zod';
import { Problem } from '../../contract/problem.ts';

/**
 * The Problem for the first field that a schema refused: `unknown_parameter`, else `invalid_parameter`. `nameOf` turns
 * a field's path into the name that the client wrote; by default `cache.mode`.
 */
export function invalidParameter(
  error: z.ZodError,
  nameOf: (path: readonly PropertyKey[]) => string = (path) => path.join('.'),
): Problem {
  const issue = error.issues[0];
  if (issue === undefined) throw new Error('a zod error without an issue; this is a bug');
  if (issue.code === 'unrecognized_keys') {
    const param = nameOf([...issue.path, ...issue.keys.slice(0, 1)]);
    return new Problem('unknown_parameter', `Unknown parameter: "${param}".`, { param, cause: error });
  }
  if (issue.path.length === 0) return new Problem('invalid_request', `The body is not valid: ${issue.message}.`);
  const param = nameOf(issue.path);
  return new Problem('invalid_parameter', `Invalid value of "${param}": ${issue.message}.`, { param, cause: error });
}
