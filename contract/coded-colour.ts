import { Problem } from './problem.ts';

/** How a file codes its colours, by the code points of ITU-T H.273: PNG's `cICP` chunk, AVIF's `nclx` box. */
export type CodedColour = { primaries: number; transfer: number };

/** Transfer functions for displays brighter than the sRGB that meshes are textured in. */
const brighterTransfers: Record<number, string> = { 16: 'PQ', 18: 'HLG' };

/** Throws the Problem `invalid_image` for a picture coded in PQ or HLG. */
export function refuseHighDynamicRange(colour: CodedColour | null): void {
  const name = colour && brighterTransfers[colour.transfer];
  if (!name) return;
  const message = `The image is coded for high dynamic range (${name}), which cannot be read. Export it in SDR, as sRGB or Display P3.`;
  throw new Problem('invalid_image', message, { param: 'image' });
}
