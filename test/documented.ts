import { z } from 'zod';
import type { createDocument } from 'zod-openapi';

export type OpenApiDocument = ReturnType<typeof createDocument>;

type Schema = Record<string, unknown>;
type Content = { schema?: Schema; example?: unknown; examples?: Record<string, { value: unknown }> };
type DocumentedAnswer = {
  headers?: Record<string, { $ref: string }>;
  content?: Record<string, Content>;
};
type CodeSample = { lang: string; label: string; source: string };
export type DocumentedOperation = {
  method: string;
  path: string;
  operationId: string;
  security: readonly Record<string, string[]>[];
  requestBody?: { content: Record<string, Content> };
  responses: Record<string, DocumentedAnswer>;
  'x-codeSamples'?: readonly CodeSample[];
};

const methods = ['get', 'head', 'put', 'post', 'delete'] as const;

/** Every operation of a document, in its order. */
export function operationsOf(document: OpenApiDocument): DocumentedOperation[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method];
      return operation
        ? [{ ...(operation as unknown as DocumentedOperation), method: method.toUpperCase(), path }]
        : [];
    }),
  );
}

/** The operation that answers a call, where the document has one. */
export function operationFor(document: OpenApiDocument, method: string, path: string): DocumentedOperation | undefined {
  const matches = operationsOf(document).filter(
    (operation) =>
      operation.method === method && new RegExp(`^${operation.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
  );
  return matches.find((operation) => operation.path === path) ?? matches[0];
}

/** What a real answer has that the document does not say, or lacks that it does; nothing where they agree. */
export async function undocumented(
  document: OpenApiDocument,
  operation: DocumentedOperation,
  response: Response,
): Promise<string[]> {
  const answer = operation.responses[response.status];
  const told = `${operation.method} ${operation.path} ${response.status}`;
  if (answer === undefined) return [`${told} is not documented: ${await response.text()}`];
  const faults: string[] = [];
  for (const [name, { $ref }] of Object.entries(answer.headers ?? {})) {
    const header = document.components?.headers?.[$ref.slice('#/components/headers/'.length)];
    const { required, schema } = header as { required?: boolean; schema: Schema };
    const value = response.headers.get(name);
    if (value === null && required) faults.push(`${told} lacks the header ${name}`);
    const checked = value === null ? null : z.fromJSONSchema(schema).safeParse(value);
    if (checked?.success === false) faults.push(`${told}: header ${name}: ${value}`);
  }
  const mediaType = response.headers.get('content-type')?.split(';')[0] ?? null;
  const hasBody = mediaType !== null && operation.method !== 'HEAD';
  const content = mediaType === null ? undefined : answer.content?.[mediaType];
  if (hasBody && content === undefined) faults.push(`${told} answers with ${mediaType}`);
  if (hasBody && mediaType === 'application/json' && content?.schema) {
    const checked = validator(document, content.schema).safeParse(await response.json());
    if (!checked.success) faults.push(`${told}: ${z.prettifyError(checked.error)}`);
  } else {
    await response.body?.cancel();
  }
  return faults;
}

/** Checks a value against a schema of the document, refusing the fields that it does not name. */
export function validator(document: OpenApiDocument, schema: Schema): z.ZodType {
  const $defs = closed(document.components?.schemas ?? {});
  return z.fromJSONSchema({ ...(closed(schema) as Schema), $defs } as Parameters<typeof z.fromJSONSchema>[0]);
}

/** The same schemas, with no room for other fields, and their references as JSON Schema has them. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy: Schema = {};
  for (const [name, value] of Object.entries(schema)) {
    copy[name] = name === '$ref' ? String(value).replace('#/components/schemas/', '#/$defs/') : closed(value);
  }
  const isObject = copy.type === 'object' && copy.properties !== undefined;
  return isObject && copy.additionalProperties === undefined && copy.required !== undefined
    ? { ...copy, additionalProperties: false }
    : copy;
}
