import { resampleRows, type Raster, type Region } from '../mesh/resample.ts';
import type { SideColours } from './colours.ts';

/** A rectangle of the canvas, in canvas units from its top left corner (0 to 2), and where it lies in the texture. */
type Chart = { canvas: Region; texture: Region };

/** A square texture holding both sides of an object. */
export type Atlas = { size: number; front: Chart; back: Chart };

/** The back is known so vaguely that it needs this share of the front's resolution. */
const backScale = 0.5;
/** Pixels around each chart that only serve filtering and smaller mip levels. */
const gutterPixels = 8;

/** Packs both sides of the part of the canvas that is used: side by side or one below the other, whichever is larger. */
export function layOut(used: Region, size: number): Atlas {
  const room = size - 4 * gutterPixels;
  const beside = Math.min(room / (used.width * (1 + backScale)), room / used.height);
  const below = Math.min(room / used.width, room / (used.height * (1 + backScale)));
  const scale = Math.max(beside, below);
  const front = chart(used, { x: gutterPixels, y: gutterPixels }, scale);
  const back =
    beside >= below
      ? { x: 3 * gutterPixels + front.texture.width, y: gutterPixels }
      : { x: gutterPixels, y: 3 * gutterPixels + front.texture.height };
  return { size, front, back: chart(used, back, scale * backScale) };
}

function chart(canvas: Region, at: { x: number; y: number }, scale: number): Chart {
  return {
    canvas,
    texture: { ...at, width: Math.floor(canvas.width * scale), height: Math.floor(canvas.height * scale) },
  };
}

/** Where a point of the canvas (0 to 2 from the top left corner) lies in the texture, 0 to 1 from its top left corner. */
export function textureCoordinates({ canvas, texture }: Chart, size: number, x: number, y: number): [number, number] {
  return [
    (texture.x + ((x - canvas.x) / canvas.width) * texture.width) / size,
    (texture.y + ((y - canvas.y) / canvas.height) * texture.height) / size,
  ];
}

/** Draws the atlas: red, green, blue bytes, row by row from the top. */
export function drawAtlas(atlas: Atlas, colours: SideColours): Uint8Array {
  const pixels = new Uint8ClampedArray(atlas.size * atlas.size * 3).fill(128);
  drawChart(pixels, atlas.size, atlas.front, colours.front);
  drawChart(pixels, atlas.size, atlas.back, colours.back);
  return new Uint8Array(pixels.buffer);
}

function drawChart(pixels: Uint8ClampedArray, size: number, { canvas, texture }: Chart, colours: Raster): void {
  const perUnit = colours.width / 2;
  const pixel = { x: canvas.width / texture.width, y: canvas.height / texture.height };
  const region = {
    x: (canvas.x - gutterPixels * pixel.x) * perUnit,
    y: (canvas.y - gutterPixels * pixel.y) * perUnit,
    width: (canvas.width + 2 * gutterPixels * pixel.x) * perUnit,
    height: (canvas.height + 2 * gutterPixels * pixel.y) * perUnit,
  };
  const width = texture.width + 2 * gutterPixels;
  const height = texture.height + 2 * gutterPixels;
  resampleRows(colours, region, { width, height }, { filter: 'sharp', beyond: 'clamp' }, (y, row) => {
    const to = ((texture.y - gutterPixels + y) * size + texture.x - gutterPixels) * 3;
    for (let k = 0; k < row.length; k++) pixels[to + k] = 255 * (row[k] as number); // the array rounds and clamps
  });
}
