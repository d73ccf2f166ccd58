/** What the page reads of an OpenAPI document. */
export type OpenApi = {
  info: { summary?: string; description: string };
  tags: readonly { name: string; description: string }[];
  paths: Record<string, Partial<Record<Method, OperationObject>>>;
  components: { schemas: Record<string, Schema> };
};

type Method = 'get' | 'head' | 'post' | 'put' | 'delete';

export type Schema = {
  $ref?: string;
  type?: string | readonly string[];
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: readonly unknown[];
  anyOf?: readonly Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: readonly string[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
};

type Parameter = { in: string; name: string; required?: boolean; description?: string; schema: Schema };
type Answer = { description: string; content?: Record<string, { schema?: Schema; example?: unknown }> };
export type CodeSample = { lang: string; label: string; source: string };

type OperationObject = {
  operationId: string;
  tags: readonly string[];
  summary: string;
  description?: string;
  security: readonly Record<string, readonly string[]>[];
  parameters?: readonly Parameter[];
  requestBody?: { content: Record<string, { schema?: Schema }> };
  responses: Record<string, Answer>;
  'x-codeSamples'?: readonly CodeSample[];
};

export type Operation = OperationObject & { method: Method; path: string };

const methods = ['post', 'get', 'head', 'put', 'delete'] as const;

/** The operations of a tag, in the document's order. */
export function operationsOf({ paths }: OpenApi, tag: string): Operation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method];
      return operation?.tags.includes(tag) ? [{ ...operation, method, path }] : [];
    }),
  );
}

/** The schema that a reference stands for; its own where it is none. */
export function resolve({ components }: OpenApi, schema: Schema): Schema {
  const name = schema.$ref?.split('/').at(-1);
  return name === undefined ? schema : (components.schemas[name] ?? {});
}

/** What a value may be, in few words: `integer 32–512`, `glb, obj, stl or ply`, `list of string`. */
export function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.split('/').at(-1) ?? '';
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.const !== undefined) return String(schema.const);
  if (schema.enum)
    return schema.enum
      .map(String)
      .join(', ')
      .replace(/, ([^,]+)$/, ' or $1');
  if (schema.type === 'array') return schema.items ? `list of ${typeOf(schema.items)}` : 'list';
  const type = typeof schema.type === 'string' ? schema.type : (schema.type?.join(' or ') ?? 'any value');
  const { minimum: least, maximum: most, maxLength } = schema;
  if (least !== undefined && most !== undefined) return `${type} ${least}–${most}`;
  return maxLength === undefined ? type : `${type}, up to ${maxLength} characters`;
}
