import { z } from 'zod';
import { Sha256 } from './digest.ts';
import { compressions, formatList, formatsWhere, formatUnits, OutputFormat, outputFormats } from './formats.ts';

/** Longest URL that a request may have the edge ask, in characters. */
export const outsideUrlCharactersMax = 2048;

/** Limits of an image, by the way it comes in. */
export const imageLimits = {
  fileBytesMax: 20 * 1024 * 1024,
  dataUrlBytesMax: 8 * 1024 * 1024,
  pixelsMax: 40_000_000,
} as const;

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

/** How long a POST may be held by `Prefer: wait`, in seconds. */
export const preferWaitSecondsMax = 60;

const compressedFormats = formatsWhere(({ compressed }) => compressed);

/**
 * The body of `POST /v1/meshes`, less its picture: `image` stays what the client wrote (a data URL, an https URL or a
 * digest), or is absent when the file came in a form. The descriptions are those of the public API's documentation.
 */
export const MeshRequest = /* defence: API3-1 */ z
  .strictObject({
    image: z
      .union([z.string(), z.strictObject({ sha256: Sha256 })], 'must be a data URL, an https URL or {"sha256"}')
      .optional()
      .describe(
        'A PNG, JPEG, WebP, AVIF or GIF (first frame) of up to 40 megapixels: a data URL of up to 8 MiB, an https URL ' +
          'of one of up to 20 MiB that anyone may read, or ' +
          '`{"sha256"}` of a picture that you have sent before.',
      ),
    prompt: Prompt.optional().describe('What to make, in words, in the place of a picture.'),
    model: z
      .string()
      .min(1)
      .max(128)
      .default('default')
      .describe('An id (`name@version`), a name (its newest version) or `default`; see `GET /v1/models`.'),
    output_format: OutputFormat.default('glb').describe(
      OutputFormat.options.map((name) => `\`${name}\`: ${outputFormats[name].contents}`).join('; ') + '.',
    ),
    seed: z
      .number()
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .nullable()
      .default(0)
      .describe('`null` asks for a random one. Models that do not use it ignore it.'),
    remove_background: z
      .union([z.literal('auto'), z.boolean()], 'must be auto, true or false')
      .default('auto')
      .describe('`auto`: only where the picture has no transparency.'),
    foreground_ratio: z
      .number()
      .min(0.5)
      .max(1)
      .default(0.85)
      .describe("Share of the canvas that the object's longer side fills."),
    mc_resolution: z
      .number()
      .int()
      .min(32)
      .max(512)
      .optional()
      .describe("Cells along each side of a field model's grid; the model's own default. Other models ignore it."),
    texture: z
      .boolean()
      .default(true)
      .describe(`\`false\` gives vertex colours. For ${formatList(formatsWhere(({ textured }) => textured))}.`),
    texture_resolution: z
      .literal([256, 512, 1024, 2048])
      .default(1024)
      .describe('Pixels along each side of the texture.'),
    target_face_count: z
      .number()
      .int()
      .min(100)
      .max(300_000)
      .nullable()
      .default(null)
      .describe('Triangles to simplify to; more stay where fewer would open the mesh or leave its shape.'),
    compression: z
      .enum(compressions)
      .default('none')
      .describe(`How the geometry is packed. For ${formatList(compressedFormats)}.`),
    largest_dimension_mm: z
      .number()
      .min(1)
      .max(1000)
      .default(100)
      .describe(`The mesh's longest side in millimetres, whatever the unit of the file: ${formatUnits}.`),
    cache: CacheControls.default({ mode: 'default', tags: [] }),
    priority: z
      .enum(['interactive', 'batch'])
      .default('interactive')
      .describe('`batch` waits behind all that is `interactive`.'),
    metadata: Metadata.default({}),
    webhook_url: z
      .url()
      .max(outsideUrlCharactersMax)
      .optional()
      .describe('A public https URL that is told, signed, how the mesh ends.'),
  })
  .refine((request) => request.compression === 'none' || outputFormats[request.output_format].compressed, {
    path: ['compression'],
    message: `compression applies to output_format ${compressedFormats.map((name) => `"${name}"`).join(' and ')} only`,
  });
export type MeshRequest = z.infer<typeof MeshRequest>;
export type MeshRequestInput = z.input<typeof MeshRequest>;
