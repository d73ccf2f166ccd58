import type { ZodOpenApiContentObject } from 'zod-openapi';
import type { ProblemCode } from '../../contract/problem.ts';
import type { HeaderName } from './headers.ts';

/** Headers of an answer that brings the bytes of an asset. */
export const downloadHeaders = [
  'etag',
  'repr-digest',
  'cache-control',
  'cache-status',
  'accept-ranges',
  'content-disposition',
  'content-length',
] as const satisfies readonly HeaderName[];

/** How a download can fail, but for what names the asset. */
export const downloadProblems: readonly ProblemCode[] = [
  'not_found',
  'taken_down',
  'precondition_failed',
  'range_not_satisfiable',
];

/** Bytes in one of these media types. */
export function binary(mediaTypes: readonly string[]): ZodOpenApiContentObject {
  return Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, {}]));
}
