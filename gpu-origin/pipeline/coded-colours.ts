import type { CodedColour } from '../../contract/coded-colour.ts';

type Matrix = readonly [number, number, number, number, number, number, number, number, number];

/**
 * To linear sRGB from the primaries of a code point of ITU-T H.273 (table 2), row by row: its own, BT.2020's and Display
 * P3's, all of which have the same white.
 */
const matrices: Record<number, Matrix> = {
  1: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  9: [1.660491, -0.587641, -0.07285, -0.12455, 1.1329, -0.008349, -0.018151, -0.100579, 1.11873],
  12: [1.22494, -0.22494, 0, -0.042057, 1.042057, 0, -0.019638, -0.078636, 1.098274],
};
/** Exponents of transfer functions that are pure powers (table 3); the others for displays as dark as sRGB count as sRGB's. */
const exponents: Record<number, number> = { 4: 2.2, 5: 2.8, 8: 1 };

/** Steps of linear light that are told apart when it becomes bytes: a byte's least step is five of them. */
const linearSteps = 16_384;

/** Whether these code points say what the colours are; unknown ones are passed over, as browsers do. */
export function sayColours(colour: CodedColour | null): colour is CodedColour {
  return colour !== null && colour.primaries in matrices;
}

/** Brings red, green, blue, alpha bytes to sRGB, in place; what lies beyond its gamut is clipped, as browsers do. */
export function toSrgb(data: Uint8Array, { primaries, transfer }: CodedColour): void {
  const exponent = exponents[transfer];
  const matrix = matrices[primaries];
  if (matrix === undefined || (primaries === 1 && exponent === undefined)) return;
  const linear = Float64Array.from({ length: 256 }, (_, byte) =>
    exponent === undefined ? linearOf(byte / 255) : (byte / 255) ** exponent,
  );
  const bytes = Uint8Array.from({ length: linearSteps + 1 }, (_, step) => byteOf(step / linearSteps));
  const [a, b, c, d, e, f, g, h, i] = matrix;
  const encoded = (value: number) => bytes[Math.round(linearSteps * Math.min(Math.max(value, 0), 1))] as number;
  for (let at = 0; at < data.length; at += 4) {
    const red = linear[data[at] as number] as number;
    const green = linear[data[at + 1] as number] as number;
    const blue = linear[data[at + 2] as number] as number;
    data[at] = encoded(a * red + b * green + c * blue);
    data[at + 1] = encoded(d * red + e * green + f * blue);
    data[at + 2] = encoded(g * red + h * green + i * blue);
  }
}

function linearOf(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

function byteOf(linear: number): number {
  return Math.round(255 * (linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055));
}
