import { z } from 'zod';
import type { ZodOpenApiHeaderObject, ZodOpenApiHeadersObject } from 'zod-openapi';

const whole = (description: string) => z.string().regex(/^\d+$/).meta({ description });

/** Every header of an answer that a client may build on, by its name. */
const headers = {
  'x-request-id': z.string().describe('Names this request: yours where you sent a well-formed one.'),
  'cache-status': z
    .string()
    .describe('What the cache did (RFC 9211): `meshkiln; hit; detail=memory`, `meshkiln; fwd=miss; stored`.'),
  'cache-control': z.string().describe('Who may keep this answer, and for how long (RFC 9111).'),
  'retry-after': whole('Seconds after which to look, or to ask, again (RFC 9110 §10.2.3).'),
  'ratelimit-policy': z
    .string()
    .describe('The limit: requests, or GPU milliseconds, (`q`) in so many seconds (`w`), by its name.'),
  ratelimit: z.string().describe('What remains of it (`r`) until it is whole again in so many seconds (`t`).'),
  'x-ratelimit-limit-gpu-ms': whole('GPU milliseconds of a UTC day.'),
  'x-ratelimit-remaining-gpu-ms': whole('Those that are neither spent nor reserved.'),
  'x-ratelimit-reset-gpu-ms': z
    .string()
    .regex(/^\d+s$/)
    .meta({ description: 'When the next day begins.' }),
  'x-should-retry': z.literal('false').describe('Keeps the OpenAI SDKs from repeating what cannot succeed by itself.'),
  'www-authenticate': z.literal('Bearer').describe('How to authenticate (RFC 9110 §11.6.1).'),
  location: z.string().describe('Where the mesh can be looked at.'),
  'content-location': z.string().describe('Where these very bytes are found again (RFC 9110 §8.7).'),
  'preference-applied': z.string().describe('The wait that was granted (RFC 7240 §3).'),
  etag: z.string().describe('Strong validator (RFC 9110 §8.8.3); of an asset its SHA-256 in quotes.'),
  'repr-digest': z.string().describe('SHA-256 of the whole representation (RFC 9530), on a 206 too.'),
  'accept-ranges': z.literal('bytes').describe('Parts can be asked for (RFC 9110 §14.3).'),
  'content-range': z.string().describe('Which part this is, and of how many bytes (RFC 9110 §14.4).'),
  'content-disposition': z.string().describe('A readable file name (RFC 6266).'),
  'content-length': whole('Bytes of the body.'),
} as const;

export type HeaderName = keyof typeof headers;

/** The headers of one answer: those named are always there, those with a `?` under their condition. */
export function answerHeaders(names: readonly (HeaderName | `${HeaderName}?`)[]): ZodOpenApiHeadersObject {
  return Object.fromEntries(
    names.map((name) => [name.replace('?', ''), { $ref: `#/components/headers/${name.replace('?', '-maybe')}` }]),
  );
}

/** What `answerHeaders` refers to. */
export function headerComponents(): Record<string, ZodOpenApiHeaderObject> {
  const components: Record<string, ZodOpenApiHeaderObject> = {};
  for (const [name, schema] of Object.entries(headers)) {
    components[name] = schema;
    components[`${name}-maybe`] = schema.optional();
  }
  return components;
}
