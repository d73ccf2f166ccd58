import { extend } from '../mesh/extend.ts';
import type { Raster } from '../mesh/resample.ts';
import type { Picture } from './picture.ts';

/** Pixels by which the colours of what is solid go on into what is see-through, before they become one mean colour. */
const extendPixels = 64;

/**
 * Red, green, blue from 0 to 1 of a picture as if it were opaque. What is see-through has no colour of its own, black as
 * often as not, in which a matting model would see edges: it takes the colours around it.
 */
export function solidColours({ width, height, data }: Picture): Raster {
  const colours = new Float32Array(width * height * 3);
  const solid = new Uint8Array(width * height);
  for (let i = 0; i < solid.length; i++) {
    for (let c = 0; c < 3; c++) colours[3 * i + c] = (data[4 * i + c] as number) / 255;
    solid[i] = (data[4 * i + 3] as number) >= 128 ? 1 : 0;
  }
  if (solid.includes(0)) extend(colours, solid, { width, height, channels: 3, pixels: extendPixels });
  return { data: colours, width, height, channels: 3 };
}
