import { z } from 'zod';
import { Sha256 } from './digest.ts';
import { compressions, formatList, formatsWhere, formatUnits, OutputFormat, outputFormats } from './formats.ts';

/** Longest URL that a request may have the edge ask, in characters. */
export const outsideUrlCharactersMax = 2048;

const metadataPairsMax = 16;
const metadataNameCharactersMax = 64;
const metadataValueCharactersMax = 512;
const cacheTagsMax = 8;
const cacheTagCharactersMax = 64;

const Metadata = z
  .record(z.string().min(1).max(metadataNameCharactersMax), z.string().max(metadataValueCharactersMax))
  .refine((pairs) => Object.keys(pairs).length <= metadataPairsMax, `at most ${metadataPairsMax} pairs`)
  .describe(
    `Your own pairs of text, kept with the mesh on your list: at most ${metadataPairsMax}, names of up to ` +
      `${metadataNameCharactersMax} and values of up to ${metadataValueCharactersMax} characters.`,
  );

/** What a request asks of the cache. */
export const CacheControls = z.strictObject({
  mode: z
    .enum(['default', 'refresh', 'no_store', 'only_if_cached'])
    .default('default')
    .describe(
      '`refresh` makes the mesh anew and puts it in the place of the stored one (a shared one: scope "admin"); ' +
        '`no_store` makes one that no other request finds and that expires after an hour; ' +
        '`only_if_cached` is a 504 `not_cached` where something would have to be made.',
    ),
  scope: z
    .enum(['shared', 'private'])
    .optional()
    .describe(
      '`shared`: whoever has the same picture, or the id, can read the mesh. `private`: no other tenant can. ' +
        'The default is that of your key, `shared` unless the operator set another.',
    ),
  tags: z
    .array(z.string().min(1).max(cacheTagCharactersMax))
    .max(cacheTagsMax)
    .default([])
    .describe('Names by which the operator can purge the mesh; they never change which mesh it is.'),
});

const promptCharactersMax = 4000;

/** What to make, in words. */
export const Prompt = z
  .string()
  .max(promptCharactersMax)
  .regex(/\S/, 'must say something')
  .refine((text) => text.isWellFormed(), 'must be well-formed Unicode');

const compressedFormats = formatsWhere(({ compressed }) => compressed);

const Seed = z
  .number()
  .int()
  .min(0)
  .max(2 ** 32 - 1);

/** The fields that decide whether others are used. */
type Chosen = { output_format: OutputFormat; texture: boolean };

type CommonField = {
  schema: z.ZodType;
  /** How a form writes it: as text that is read so, as the picture's file, or by its members' own names. */
  form: 'text' | 'number' | 'boolean' | 'json' | 'file' | 'members';
  /** An option of the command line; `takes` names its value, null for a switch. */
  option?: { name: string; takes: string | null; help: string };
};

/** A field that changes a mesh's bytes, so that it is among the parameters in the request key. */
export type ParamField = CommonField & {
  /** `run`: it changes what the model makes, and so the geometry key too. `finish`: only what is made of the surface. */
  stage: 'run' | 'finish';
  /** Which meshes it changes, where not all: those of models that list it in `uses`, or of such requests. */
  usedBy?: 'model' | ((chosen: Chosen) => boolean);
  /** The parameter's schema, where it is not the request's without its default. */
  param?: z.ZodType;
  /** Gives the value where the request asks for a random one by null. */
  random?: () => number;
};

export type Field =
  | ParamField
  /** `key`: it names the picture, the model or the audience, which both keys hold by themselves. `none`: it changes no mesh. */
  | (CommonField & { stage: 'key' | 'none' });

/**
 * The fields of a mesh request: one row each. The request's schema, the parameters in the keys, forms, the command line,
 * the API's documentation and the table in docs/api.md follow from it.
 */
export const fields = {
  image: {
    schema: z
      .union([z.string(), z.strictObject({ sha256: Sha256 })], 'must be a data URL, an https URL or {"sha256"}')
      .optional()
      .describe(
        'A PNG, JPEG, WebP, AVIF or GIF (first frame) of up to 40 megapixels: a data URL of up to 8 MiB, an https URL ' +
          'of one of up to 20 MiB that anyone may read, or ' +
          '`{"sha256"}` of a picture that you have sent before.',
      ),
    form: 'file',
    stage: 'key',
  },
  prompt: {
    schema: Prompt.optional().describe('What to make, in words, in the place of a picture.'),
    form: 'text',
    stage: 'key',
  },
  model: {
    schema: z
      .string()
      .min(1)
      .max(128)
      .default('default')
      .describe('An id (`name@version`), a name (its newest version) or `default`; see `GET /v1/models`.'),
    form: 'text',
    stage: 'key',
    option: { name: 'model', takes: 'ID', help: 'a model of GET /v1/models (default: default)' },
  },
  output_format: {
    schema: OutputFormat.default('glb').describe(
      OutputFormat.options.map((name) => `\`${name}\`: ${outputFormats[name].contents}`).join('; ') + '.',
    ),
    form: 'text',
    stage: 'finish',
  },
  seed: {
    schema: Seed.nullable().default(0).describe('`null` asks for a random one. Models that do not use it ignore it.'),
    form: 'number',
    stage: 'run',
    usedBy: 'model',
    param: Seed,
    random: randomSeed,
  },
  remove_background: {
    schema: z
      .union([z.literal('auto'), z.boolean()], 'must be auto, true or false')
      .default('auto')
      .describe('`auto`: only where the picture has no transparency.'),
    form: 'boolean',
    stage: 'run',
    option: { name: 'remove-background', takes: 'X', help: 'auto, true or false (default: auto)' },
  },
  foreground_ratio: {
    schema: z
      .number()
      .min(0.5)
      .max(1)
      .default(0.85)
      .describe("Share of the canvas that the object's longer side fills."),
    form: 'number',
    stage: 'run',
  },
  mc_resolution: {
    schema: z
      .number()
      .int()
      .min(32)
      .max(512)
      .optional()
      .describe("Cells along each side of a field model's grid; the model's own default. Other models ignore it."),
    form: 'number',
    stage: 'run',
    usedBy: 'model',
  },
  texture: {
    schema: z
      .boolean()
      .default(true)
      .describe(`\`false\` gives vertex colours. For ${formatList(formatsWhere(({ textured }) => textured))}.`),
    form: 'boolean',
    stage: 'finish',
    usedBy: ({ output_format: name }) => outputFormats[name].textured,
    option: { name: 'texture', takes: null, help: 'vertex colours instead of a texture' },
  },
  texture_resolution: {
    schema: z.literal([256, 512, 1024, 2048]).default(1024).describe('Pixels along each side of the texture.'),
    form: 'number',
    stage: 'finish',
    usedBy: ({ output_format: name, texture }) => outputFormats[name].textured && texture,
    option: { name: 'texture-resolution', takes: 'N', help: '256, 512, 1024 or 2048 (default: 1024)' },
  },
  target_face_count: {
    schema: z
      .number()
      .int()
      .min(100)
      .max(300_000)
      .nullable()
      .default(null)
      .describe('Triangles to simplify to; more stay where fewer would open the mesh or leave its shape.'),
    form: 'number',
    stage: 'finish',
    option: { name: 'faces', takes: 'N', help: 'simplify to about N faces' },
  },
  compression: {
    schema: z
      .enum(compressions)
      .default('none')
      .describe(`How the geometry is packed. For ${formatList(compressedFormats)}.`),
    form: 'text',
    stage: 'finish',
    usedBy: ({ output_format: name }) => outputFormats[name].compressed,
    option: {
      name: 'compression',
      takes: 'NAME',
      help: `none, quantize, meshopt or draco (${compressedFormats.join(', ')} only)`,
    },
  },
  largest_dimension_mm: {
    schema: z
      .number()
      .min(1)
      .max(1000)
      .default(100)
      .describe(`The mesh's longest side in millimetres, whatever the unit of the file: ${formatUnits}.`),
    form: 'number',
    stage: 'finish',
    option: { name: 'size-mm', takes: 'N', help: 'largest dimension in millimetres (default: 100)' },
  },
  cache: { schema: CacheControls.default({ mode: 'default', tags: [] }), form: 'members', stage: 'key' },
  priority: {
    schema: z
      .enum(['interactive', 'batch'])
      .default('interactive')
      .describe('`batch` waits behind all that is `interactive`.'),
    form: 'text',
    stage: 'none',
  },
  metadata: { schema: Metadata.default({}), form: 'json', stage: 'none' },
  webhook_url: {
    schema: z
      .url()
      .max(outsideUrlCharactersMax)
      .optional()
      .describe('A public https URL that is told, signed, how the mesh ends.'),
    form: 'text',
    stage: 'none',
  },
} as const satisfies Record<string, Field>;

type Fields = typeof fields;
export type FieldName = keyof Fields;

export const fieldNames = Object.keys(fields) as FieldName[];

/** A field's row, as far as all have it. */
export function fieldOf(name: FieldName): Field {
  return fields[name];
}

/** A field that changes a mesh's bytes. */
export type ParamName = {
  [Name in FieldName]: Fields[Name]['stage'] extends 'run' | 'finish' ? Name : never;
}[FieldName];

export const paramNames = fieldNames.filter((name): name is ParamName => /^(run|finish)$/.test(fields[name].stage));

/** A field that some models alone use. */
type ModelFieldName = { [Name in FieldName]: Fields[Name] extends { usedBy: 'model' } ? Name : never }[FieldName];

export const modelFieldNames = fieldNames.filter((name): name is ModelFieldName => {
  const row = fieldOf(name);
  return 'usedBy' in row && row.usedBy === 'model';
}) as [ModelFieldName, ...ModelFieldName[]];

/** The schema of each field. */
export type RequestShape = { [Name in FieldName]: Fields[Name]['schema'] };

export const requestShape = Object.fromEntries(fieldNames.map((name) => [name, fields[name].schema])) as RequestShape;

/** The members of `cache` by their names in a form, and how a form writes them. */
export const cacheFormFields = {
  cache_mode: { member: 'mode', form: 'text' },
  cache_scope: { member: 'scope', form: 'text' },
  cache_tags: { member: 'tags', form: 'json' },
} as const satisfies Record<string, { member: keyof typeof CacheControls.shape; form: Field['form'] }>;

function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] as number;
}
