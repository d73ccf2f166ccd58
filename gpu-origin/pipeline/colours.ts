import { binomial } from '../mesh/binomial.ts';
import { extend } from '../mesh/extend.ts';
import { resample, type Raster } from '../mesh/resample.ts';
import { alphaPlane, premultiply } from './canvas.ts';
import type { Picture } from './picture.ts';

/** Red, green, blue from 0 to 1 of an object's two sides, laid over the canvas, with no background in them. */
export type SideColours = { front: Raster; back: Raster };

/** Alpha from which a pixel's own colour is trusted. */
const opaqueMin = 0.95;
/** Pixels by which colours go on beyond the silhouette. */
const extendPixels = 12;
/** Pixels from the silhouette within which the front is softened, and the strength of it. */
const rimSoftPixels = 4;
const rimBlurPasses = 4;
/** Width and height in pixels of what is drawn of the back, and of the grid on which its inside is made up. */
const backSize = 128;
const softSize = 64;
/** Where the back stops being the rim's own colour and is all made up, in pixels of the back from the silhouette. */
const blendPixels = 7;
/** Pixels of the soft grid from the silhouette that hold the rim's colour fast. */
const rimPixels = 2;
/**
 * Pull towards the front's colours against the pull of the neighbours: what is some 25 soft pixels from the rim follows
 * the front.
 */
const frontPull = 0.0016;
const relaxation = 1.9;
const sweeps = 90;
/** Standard deviation in soft pixels of the front's blur, as passes of a binomial filter: sqrt(passes / 2). */
const blurPasses = 14;

/**
 * The colours of both sides. The front is the picture, with the mixed colours of its edge replaced by those further in.
 * Nobody knows the back: the rim's colours spread over it, drawn a little towards the softened front as seen from
 * behind, so that no face looks out of it; at the rim it meets the front exactly.
 */
export function sideColours(canvas: Picture): SideColours {
  const front = frontColours(canvas);
  return { front, back: backColours(front, canvas) };
}

function frontColours(canvas: Picture): Raster {
  const { width, height } = canvas;
  const mixed = premultiply(canvas);
  const data = new Float32Array(width * height * 3);
  const known = new Uint8Array(width * height);
  for (let i = 0; i < known.length; i++) {
    const alpha = mixed[4 * i + 3] as number;
    if (alpha < 0.5) continue;
    known[i] = 1;
    if (alpha < opaqueMin) edgeColour(mixed, { width, height }, i, data);
    else for (let c = 0; c < 3; c++) data[3 * i + c] = (mixed[4 * i + c] as number) / alpha;
  }
  extend(data, known, { width, height, channels: 3, pixels: extendPixels });
  softenRim(data, canvas);
  return { data, width, height, channels: 3 };
}

/**
 * Blurs the colours of the outermost pixels: those are drawn out over the whole depth of the rim, where noise becomes
 * streaks.
 */
function softenRim(data: Float32Array, canvas: Picture): void {
  const size = canvas.width;
  const depth = depthInside(alphaPlane(canvas, size, 'area'), size, rimSoftPixels);
  let soft = data;
  for (let pass = 0; pass < rimBlurPasses; pass++) soft = binomial(binomial(soft, size, 3, 'x'), size, 3, 'y');
  for (let i = 0; i < depth.length; i++) {
    const share = 1 - (depth[i] as number) / rimSoftPixels;
    if (share === 0) continue;
    for (let k = 3 * i; k < 3 * i + 3; k++)
      data[k] = (data[k] as number) + share * ((soft[k] as number) - (data[k] as number));
  }
}

/** The mean of the 5 × 5 pixels around one, each counting by the eighth power of its alpha. */
function edgeColour(
  mixed: Float32Array,
  { width, height }: { width: number; height: number },
  i: number,
  into: Float32Array,
): void {
  const x = i % width;
  const y = (i - x) / width;
  let [red, green, blue, sum] = [0, 0, 0, 0];
  for (let v = Math.max(y - 2, 0); v <= Math.min(y + 2, height - 1); v++) {
    for (let u = Math.max(x - 2, 0); u <= Math.min(x + 2, width - 1); u++) {
      const j = 4 * (v * width + u);
      const alpha = mixed[j + 3] as number;
      const weight = alpha ** 7; // times the alpha that is in the colours already
      red += weight * (mixed[j] as number);
      green += weight * (mixed[j + 1] as number);
      blue += weight * (mixed[j + 2] as number);
      sum += weight * alpha;
    }
  }
  into[3 * i] = red / sum;
  into[3 * i + 1] = green / sum;
  into[3 * i + 2] = blue / sum;
}

function backColours(front: Raster, canvas: Picture): Raster {
  const whole = { x: 0, y: 0, width: canvas.width, height: canvas.height };
  const target = { width: backSize, height: backSize };
  const sharp = resample(front, whole, target, { filter: 'area', beyond: 'clamp' });
  const few = { x: 0, y: 0, width: softSize, height: softSize };
  const soft = resample(madeUp(front, canvas), few, target, { filter: 'smooth', beyond: 'clamp' }).data;
  const depth = depthInside(alphaPlane(canvas, backSize, 'area'), backSize, blendPixels);
  const data = sharp.data.slice();
  for (let i = 0; i < depth.length; i++) {
    const t = (depth[i] as number) / blendPixels;
    const share = t * t * (3 - 2 * t);
    for (let c = 0; c < 3; c++) {
      const own = sharp.data[3 * i + c] as number;
      data[3 * i + c] = own + share * ((soft[3 * i + c] as number) - own);
    }
  }
  return { data, width: backSize, height: backSize, channels: 3 };
}

/** The inside of the back: Laplace's equation from the rim inwards with a weak pull to the blurred front, by over-relaxation. */
function madeUp(front: Raster, canvas: Picture): Raster {
  const n = softSize;
  const whole = { x: 0, y: 0, width: canvas.width, height: canvas.height };
  const colours = resample(front, whole, { width: n, height: n }, { filter: 'area', beyond: 'clamp' }).data;
  const alpha = alphaPlane(canvas, n, 'area');
  const blurred = blur(colours, alpha);
  const depth = depthInside(alpha, n, rimPixels + 1);
  const data = colours.slice();
  for (let i = 0; i < depth.length; i++) {
    if ((depth[i] as number) > rimPixels) data.set(blurred.subarray(3 * i, 3 * i + 3), 3 * i);
  }
  for (let sweep = 0; sweep < sweeps; sweep++) {
    for (let i = n; i < n * (n - 1); i++) {
      if ((depth[i] as number) <= rimPixels) continue;
      for (let k = 3 * i; k < 3 * i + 3; k++) {
        const around =
          (data[k - 3] as number) + (data[k + 3] as number) + (data[k - 3 * n] as number) + (data[k + 3 * n] as number);
        const settled = (around + frontPull * (blurred[k] as number)) / (4 + frontPull);
        data[k] = (data[k] as number) + relaxation * (settled - (data[k] as number));
      }
    }
  }
  return { data, width: n, height: n, channels: 3 };
}

/** Blur of the colours inside the matte. */
function blur(colours: Float32Array, matte: Float32Array): Float32Array {
  let data = new Float32Array(matte.length * 4);
  for (let i = 0; i < matte.length; i++) {
    const weight = matte[i] as number;
    for (let c = 0; c < 3; c++) data[4 * i + c] = weight * (colours[3 * i + c] as number);
    data[4 * i + 3] = weight;
  }
  for (let pass = 0; pass < blurPasses; pass++) data = binomial(binomial(data, softSize, 4, 'x'), softSize, 4, 'y');
  const out = colours.slice();
  for (let i = 0; i < matte.length; i++) {
    const weight = data[4 * i + 3] as number;
    if (weight > 0) for (let c = 0; c < 3; c++) out[3 * i + c] = (data[4 * i + c] as number) / weight;
  }
  return out;
}

/** Steps of each pixel from the outside, up to a limit. */
function depthInside(matte: Float32Array, size: number, limit: number): Float32Array {
  const depth = matte.map((alpha) => (alpha >= 0.5 ? limit : 0));
  for (const order of [1, -1]) {
    for (let k = 0; k < depth.length; k++) {
      const i = order === 1 ? k : depth.length - 1 - k;
      const x = (i % size) - order;
      const beside = x < 0 || x >= size ? 0 : (depth[i - order] as number);
      depth[i] = Math.min(depth[i] as number, beside + 1, (depth[i - order * size] ?? 0) + 1);
    }
  }
  return depth;
}
