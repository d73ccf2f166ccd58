import { z } from 'zod';

/** How a GLB's geometry can be packed; `none` leaves it as it is. */
export const compressions = ['none', 'quantize', 'meshopt', 'draco'] as const;

type Format = {
  mediaType: string;
  /** Ending of a file's name, its own: stored files and those of the command line are told apart by it. */
  extension: string;
  /** For people who choose between formats. */
  label: string;
  /** What a file of it is, for the documentation of `output_format`. */
  contents: string;
  /** Unit of the numbers in the file. */
  unit: 'metre' | 'millimetre';
  /** Whether the file can hold a texture; without one it has vertex colours or none. */
  textured: boolean;
  /** Whether the request's `compression` applies. */
  compressed: boolean;
  /** Whether the web pages' viewer opens it; the others are shown by their thumbnail. */
  viewable: boolean;
};

/**
 * The output formats: one row each. Request keys, media types, the endings of stored files, the API's documentation, the
 * command line and the web pages follow from it; the origin has an encoder for each (gpu-origin/pipeline/encode.ts).
 */
export const outputFormats = {
  glb: {
    mediaType: 'model/gltf-binary',
    extension: 'glb',
    label: 'GLB (web, games)',
    contents: 'binary glTF 2.0',
    unit: 'metre',
    textured: true,
    compressed: true,
    viewable: true,
  },
  obj: {
    mediaType: 'application/zip',
    extension: 'zip',
    label: 'OBJ, zipped',
    contents: 'a zip of OBJ, MTL and texture',
    unit: 'millimetre',
    textured: true,
    compressed: false,
    viewable: false,
  },
  stl: {
    mediaType: 'model/stl',
    extension: 'stl',
    label: 'STL (printing)',
    contents: 'binary STL',
    unit: 'millimetre',
    textured: false,
    compressed: false,
    viewable: false,
  },
  ply: {
    mediaType: 'application/x-ply',
    extension: 'ply',
    label: 'PLY',
    contents: 'binary PLY',
    unit: 'millimetre',
    textured: false,
    compressed: false,
    viewable: false,
  },
} as const satisfies Record<string, Format>;

export type OutputFormat = keyof typeof outputFormats;

export const OutputFormat = z.enum(Object.keys(outputFormats) as [OutputFormat, ...OutputFormat[]]);

/** The formats that a thumbnail can have. */
const thumbnailFormats = {
  webp: { mediaType: 'image/webp', extension: 'webp' },
  png: { mediaType: 'image/png', extension: 'png' },
} as const;

export const thumbnailMediaTypes = Object.values(thumbnailFormats).map(({ mediaType }) => mediaType);

const storedFormats = [...Object.values(outputFormats), ...Object.values(thumbnailFormats)];

/** Ending of a stored file's name. */
export type FileExtension = (typeof storedFormats)[number]['extension'];

export const fileExtensions = storedFormats.map(({ extension }) => extension) as [FileExtension, ...FileExtension[]];

/** Media type of the stored files with each ending. */
export const mediaTypes = Object.fromEntries(
  storedFormats.map(({ extension, mediaType }) => [extension, mediaType]),
) as Readonly<Record<FileExtension, string>>;

/** The formats whose row matches. */
export function formatsWhere(matches: (format: Format) => boolean): OutputFormat[] {
  return OutputFormat.options.filter((name) => matches(outputFormats[name]));
}

/** Names of formats in the words of the documentation. */
export function formatList(formats: readonly OutputFormat[]): string {
  return formats.map((name) => `\`${name}\``).join(', ');
}

/** The unit of each format's numbers, in the words of the documentation. */
export const formatUnits =
  `${formatList(formatsWhere(({ unit }) => unit === 'metre'))} in metres, ` +
  `${formatList(formatsWhere(({ unit }) => unit === 'millimetre'))} in millimetres`;
