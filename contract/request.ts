import { z } from 'zod';
import { requestShape } from './fields.ts';
import { formatsWhere, outputFormats } from './formats.ts';

/** Limits of an image, by the way it comes in. */
export const imageLimits = {
  fileBytesMax: 20 * 1024 * 1024,
  dataUrlBytesMax: 8 * 1024 * 1024,
  pixelsMax: 40_000_000,
} as const;

/** How long a POST may be held by `Prefer: wait`, in seconds. */
export const preferWaitSecondsMax = 60;

const compressedFormats = formatsWhere(({ compressed }) => compressed);

/**
 * The body of `POST /v1/meshes`, less its picture: `image` stays what the client wrote (a data URL, an https URL or a
 * digest), or is absent when the file came in a form. The descriptions are those of the public API's documentation.
 */
export const MeshRequest = /* defence: API3-1 */ z
  .strictObject(requestShape)
  .refine((request) => request.compression === 'none' || outputFormats[request.output_format].compressed, {
    path: ['compression'],
    message: `compression applies to output_format ${compressedFormats.map((name) => `"${name}"`).join(' and ')} only`,
  });
export type MeshRequest = z.infer<typeof MeshRequest>;
export type MeshRequestInput = z.input<typeof MeshRequest>;
