import type { ZodOpenApiResponsesObject } from 'zod-openapi';
import { problems, type ProblemCode } from '../../contract/problem.ts';
import { answerHeaders, type HeaderName } from './headers.ts';

/** Headers that errors of a status have besides the request id. */
const headersOf: Readonly<Partial<Record<number, readonly (HeaderName | `${HeaderName}?`)[]>>> = {
  401: ['www-authenticate?'],
  404: ['retry-after?'],
  409: ['x-should-retry'],
  416: ['content-range'],
  429: [
    'retry-after',
    'x-should-retry?',
    'ratelimit-policy?',
    'ratelimit?',
    'x-ratelimit-limit-gpu-ms?',
    'x-ratelimit-remaining-gpu-ms?',
    'x-ratelimit-reset-gpu-ms?',
  ],
  503: ['retry-after'],
  504: ['x-should-retry'],
};

/** The error answers of an operation, by status; each says which codes it can have. */
export function problemAnswers(possible: readonly ProblemCode[]): ZodOpenApiResponsesObject {
  const answers: ZodOpenApiResponsesObject = {};
  const byStatus = Map.groupBy(new Set(possible), (code) => problems[code].status);
  for (const [status, ofStatus] of byStatus) {
    const error = { type: 'object', properties: { code: { type: 'string', enum: ofStatus } } } as const;
    const narrowed = { type: 'object', properties: { error } } as const;
    answers[`${status as 400}`] = {
      description: ofStatus.map((code) => `\`${code}\``).join(', '),
      headers: answerHeaders(['x-request-id', 'cache-control', ...(headersOf[status] ?? [])]),
      content: {
        'application/json': { schema: { allOf: [{ $ref: '#/components/schemas/Error' }, narrowed] } },
      },
    };
  }
  return answers;
}
