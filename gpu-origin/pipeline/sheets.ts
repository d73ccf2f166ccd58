import { Problem } from '../../contract/problem.ts';
import { binomial } from '../mesh/binomial.ts';
import { extend } from '../mesh/extend.ts';
import { inflation } from '../mesh/inflation.ts';
import { smoothNormals } from '../mesh/normals.ts';
import { resample } from '../mesh/resample.ts';
import { cleanSilhouette } from '../mesh/silhouette.ts';
import { gather, simplifySurface } from '../mesh/simplify.ts';
import type { Surface } from '../mesh/surface.ts';
import { joinSheets } from '../mesh/two-sided.ts';
import { alphaPlane } from './canvas.ts';
import type { Picture } from './picture.ts';

/** Nodes along each side of the grid on which sheets are joined. */
const gridSize = 192;
/** Distance that the surface may move, as a share of its size, to save triangles: 0.02 mm of 100 mm. */
const simplifyErrorMax = 2e-4;
/** Width and height of the coarse grid on which inflation is averaged: a cell is some 6% of the canvas. */
const bulkSize = 16;
/** Pixels of the model's grid by which its offsets are continued beyond the silhouette: the reach of the B-spline. */
const extendPixels = 4;

export type SheetInput = {
  canvas: Picture;
  /** The model's heights on size² pixels, in canvas units. */
  front: Float32Array;
  back: Float32Array;
  size: number;
  cameraDistance: number | null;
};

/**
 * The closed surface of a two-sided-depth model's answer. What the model adds to the inflation is smooth, so that is
 * what is carried onto the fine grid; the inflation itself is solved there, up to the sub-pixel contour.
 */
export async function surfaceFromSheets({ canvas, front, back, size, cameraDistance }: SheetInput): Promise<Surface> {
  // The B-spline softens by about half a node, so that hard edges give smooth contours too.
  const contour = cleanSilhouette(alphaPlane(canvas, gridSize, 'smooth'), gridSize);
  if (!contour.some((value) => value >= 0.5)) {
    throw new Problem('unprocessable_image', 'The object in the picture is too thin or too scattered.', {
      param: 'image',
    });
  }
  const alpha = alphaPlane(canvas, size, 'area');
  const coarse = inflation(alpha, size, 'contour');
  const heights = inflation(contour, gridSize, 'contour');
  const joined = joinSheets({
    size: gridSize,
    alpha: contour,
    inflation: heights,
    bulk: bulkOf(heights),
    front: fineOffset(front, coarse, -1, alpha, size),
    back: fineOffset(back, coarse, 1, alpha, size),
    cameraDistance,
  });
  const smooth = smoothNormals(joined.positions, joined.indices);
  const vertices = smooth.sources.length;
  const surface: Surface = {
    positions: gather(joined.positions, smooth.sources, 3, new Float32Array(3 * vertices)),
    indices: smooth.indices,
    normals: smooth.normals,
    sides: gather(joined.sides, smooth.sources, 1, new Uint8Array(vertices)),
    colors: null,
  };
  return simplifySurface(surface, { faces: 0, errorMax: simplifyErrorMax });
}

/** height + sign × inflation inside the silhouette, continued beyond it, smoothly on the fine grid. */
function fineOffset(
  height: Float32Array,
  coarse: Float32Array,
  sign: 1 | -1,
  alpha: Float32Array,
  size: number,
): Float32Array {
  const offset = new Float32Array(size * size);
  const known = new Uint8Array(size * size);
  for (let i = 0; i < offset.length; i++) {
    if ((alpha[i] as number) < 0.5) continue;
    offset[i] = (height[i] as number) + sign * (coarse[i] as number);
    known[i] = 1;
  }
  extend(offset, known, { width: size, height: size, channels: 1, pixels: extendPixels });
  return resample(
    { data: withoutCheckerboard(offset, size), width: size, height: size, channels: 1 },
    { x: 0, y: 0, width: size, height: size },
    { width: gridSize, height: gridSize },
    { filter: 'smooth', beyond: 'clamp' },
  ).data;
}

/**
 * The mean inflation around each node, counting what is outside as nothing; twice that is about the body's own height
 * at its rim.
 */
function bulkOf(heights: Float32Array): Float32Array {
  const whole = { x: 0, y: 0, width: gridSize, height: gridSize };
  const few = { width: bulkSize, height: bulkSize };
  const grid = { width: gridSize, height: gridSize };
  const fine = { data: heights, ...grid, channels: 1 };
  const coarse = resample(fine, whole, few, { filter: 'smooth', beyond: 'zero' });
  const bulk = resample(coarse, { x: 0, y: 0, ...few }, grid, { filter: 'smooth', beyond: 'zero' }).data;
  return bulk.map((mean) => 2 * mean);
}

/**
 * A binomial 3 × 3 filter, whose response is zero at a period of two pixels: networks that grow their maps by strides
 * leave a checkerboard there, which would show as ripples.
 */
function withoutCheckerboard(field: Float32Array, size: number): Float32Array {
  return binomial(binomial(field, size, 1, 'x'), size, 1, 'y');
}
