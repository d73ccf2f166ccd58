import { z } from 'zod';

/** Every error code of the public API with the HTTP status and the OpenAI error type that go with it. */
export const problems = {
  invalid_request: { status: 400, type: 'invalid_request_error' },
  unknown_parameter: { status: 400, type: 'invalid_request_error' },
  invalid_parameter: { status: 400, type: 'invalid_request_error' },
  unsupported_parameter: { status: 400, type: 'invalid_request_error' },
  missing_image: { status: 400, type: 'invalid_request_error' },
  invalid_image: { status: 400, type: 'invalid_request_error' },
  invalid_image_url: { status: 400, type: 'invalid_request_error' },
  image_fetch_failed: { status: 400, type: 'invalid_request_error' },
  image_too_many_pixels: { status: 400, type: 'invalid_request_error' },
  invalid_api_key: { status: 401, type: 'authentication_error' },
  invalid_signature: { status: 401, type: 'authentication_error' },
  insufficient_scope: { status: 403, type: 'permission_error' },
  not_leased: { status: 403, type: 'permission_error' },
  local_only: { status: 403, type: 'permission_error' },
  invalid_asset_url: { status: 403, type: 'permission_error' },
  not_found: { status: 404, type: 'invalid_request_error' },
  key_not_found: { status: 404, type: 'invalid_request_error' },
  mesh_not_found: { status: 404, type: 'invalid_request_error' },
  mesh_not_ready: { status: 404, type: 'invalid_request_error' },
  model_not_found: { status: 404, type: 'invalid_request_error' },
  method_not_allowed: { status: 405, type: 'invalid_request_error' },
  not_acceptable: { status: 406, type: 'invalid_request_error' },
  idempotency_key_reused: { status: 409, type: 'invalid_request_error' },
  too_many_keys: { status: 409, type: 'invalid_request_error' },
  image_required: { status: 409, type: 'invalid_request_error' },
  mesh_withdrawn: { status: 410, type: 'invalid_request_error' },
  taken_down: { status: 410, type: 'invalid_request_error' },
  length_required: { status: 411, type: 'invalid_request_error' },
  precondition_failed: { status: 412, type: 'invalid_request_error' },
  body_too_large: { status: 413, type: 'invalid_request_error' },
  unsupported_media_type: { status: 415, type: 'invalid_request_error' },
  range_not_satisfiable: { status: 416, type: 'invalid_request_error' },
  unprocessable_image: { status: 422, type: 'invalid_request_error' },
  prompt_refused: { status: 422, type: 'invalid_request_error' },
  digest_mismatch: { status: 422, type: 'invalid_request_error' },
  rate_limit_exceeded: { status: 429, type: 'rate_limit_error' },
  insufficient_quota: { status: 429, type: 'insufficient_quota' },
  queue_full: { status: 429, type: 'rate_limit_error' },
  internal_error: { status: 500, type: 'server_error' },
  mesh_failed: { status: 500, type: 'server_error' },
  model_failed: { status: 502, type: 'server_error' },
  upstream_failed: { status: 502, type: 'server_error' },
  keys_unavailable: { status: 503, type: 'server_error' },
  no_origin: { status: 503, type: 'server_error' },
  draining: { status: 503, type: 'server_error' },
  not_cached: { status: 504, type: 'server_error' },
} as const satisfies Record<string, { status: number; type: string }>;

/** What an error says of the client's own words is cut to so many characters. */
const messageCharactersMax = 500;
const paramCharactersMax = 100;

export type ProblemCode = keyof typeof problems;

type ProblemOptions = {
  /** Name of the request field at fault, as the client wrote it. */
  param?: string;
  /** Seconds after which the same request may succeed; sent as Retry-After. */
  retryAfterSeconds?: number;
  /** Headers that tell more about it; sent as they are. */
  headers?: Record<string, string>;
  /** What happened inside; logged, never shown to a client. */
  cause?: unknown;
};

/** The JSON body of every error answer, as the OpenAI SDKs read it. */
export const ErrorBody = z
  .object({
    error: z.object({
      message: z.string().describe('What was wrong, for people. It may be worded otherwise tomorrow.'),
      type: z.string().describe('The kind of error, as OpenAI names them.'),
      param: z.string().nullable().describe('The field at fault, as you wrote it.'),
      code: z.enum(Object.keys(problems) as [ProblemCode, ...ProblemCode[]]).describe('What was wrong, for programs.'),
    }),
  })
  .meta({ description: 'The body of every error answer.' });
export type ErrorBody = z.infer<typeof ErrorBody>;

/** An error as another program told it: its codes may be newer than this program. */
const ToldError = ErrorBody.shape.error
  .pick({ message: true })
  .extend({ code: z.string(), param: z.string().nullish() });
const ToldBody = z.object({ error: ToldError });

/** The error in the body of an answer; null when the body is something else, for instance the page of a proxy. */
export function readErrorBody(text: string): z.infer<typeof ToldError> | null {
  try {
    return ToldBody.parse(JSON.parse(text)).error;
  } catch {
    return null;
  }
}

/** An error with a public message; each program maps it to HTTP in one place. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly param: string | null;
  readonly retryAfterSeconds: number | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, message: string, options: ProblemOptions = {}) {
    super(message, { cause: options.cause });
    this.name = 'Problem';
    this.code = code;
    this.param = options.param ?? null;
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
    this.headers = options.headers ?? {};
  }

  get status(): number {
    return problems[this.code].status;
  }

  /** The answer's JSON body. */
  body(): ErrorBody {
    return {
      error: {
        message: this.message.slice(0, messageCharactersMax),
        type: problems[this.code].type,
        param: /* defence: API8-5 */ this.param?.slice(0, paramCharactersMax) ?? null,
        code: this.code,
      },
    };
  }
}
