import type {
  ZodOpenApiContentObject,
  ZodOpenApiOperationObject,
  ZodOpenApiParameters,
  ZodOpenApiRequestBodyObject,
  ZodOpenApiResponsesObject,
} from 'zod-openapi';
import type { ProblemCode } from '../../contract/problem.ts';
import { answerHeaders, type HeaderName } from './headers.ts';
import { problemAnswers } from './problem-answers.ts';
import { codeSamples, type Sample } from './samples.ts';

/** The groups that operations are shown in, in their order. */
export const tags = {
  Meshes: 'Ask for meshes, look at them, wait for them, forget them.',
  Downloads: 'Finished bytes by their digest: public, immutable, no key.',
  Models: 'What can be asked for as `model`.',
  Webhooks: 'Be told how a mesh ends, at the `webhook_url` of its request.',
  Service: 'How this edge fares, and what it says of itself.',
  Operator: "The operator's: a key with the scope `admin`.",
  Origins: 'What GPU origins tell the edge and keep there. Each call is signed; no client makes them.',
} as const;

type Answer = {
  description: string;
  headers?: readonly (HeaderName | `${HeaderName}?`)[];
  content?: ZodOpenApiContentObject;
};

type Operation = {
  id: string;
  tag: keyof typeof tags;
  summary: string;
  description?: string;
  /** Who may call it: a key with this scope, an origin's signature, or anyone. */
  access: 'meshes' | 'admin' | 'origin' | 'anyone';
  params?: ZodOpenApiParameters;
  body?: ZodOpenApiRequestBodyObject;
  answers: Record<string, Answer>;
  /** Error codes of this operation. Those of its access are added automatically. */
  problems?: readonly ProblemCode[];
  samples?: readonly Sample[];
};

const keyProblems = ['invalid_api_key', 'insufficient_scope', 'rate_limit_exceeded', 'keys_unavailable'] as const;

const accessProblems: Readonly<Record<Operation['access'], readonly ProblemCode[]>> = {
  meshes: keyProblems,
  admin: keyProblems,
  origin: ['invalid_signature', 'length_required', 'body_too_large', 'invalid_request'],
  anyone: [],
};

/** An operation of the document, with what all have in common. */
export function operation(given: Operation): ZodOpenApiOperationObject {
  const { id, tag, summary, description, access, params, body, answers, problems = [], samples = [] } = given;
  const responses: ZodOpenApiResponsesObject = {};
  for (const [status, { headers = [], ...answer }] of Object.entries(answers)) {
    responses[`${status as '200'}`] = { ...answer, headers: answerHeaders(['x-request-id', ...headers]) };
  }
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    security: securityOf(access),
    ...(params && { requestParams: params }),
    ...(body && { requestBody: { required: true, ...body } }),
    responses: { ...responses, ...problemAnswers([...problems, ...accessProblems[access], 'internal_error']) },
    ...(samples.length > 0 && { 'x-codeSamples': samples.flatMap(codeSamples) }),
  };
}

function securityOf(access: Operation['access']): Record<string, string[]>[] {
  if (access === 'anyone') return [];
  return access === 'origin' ? [{ originSignature: [] }] : [{ apiKey: [access] }];
}
