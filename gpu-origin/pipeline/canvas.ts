import { Problem } from '../../contract/problem.ts';
import { cleanSilhouette } from '../mesh/silhouette.ts';
import { resample, type Filter } from '../mesh/resample.ts';
import type { Matte } from './matte.ts';
import type { Picture } from './picture.ts';

/** Longest side of the canvas in pixels, and the shortest side of an object that can be made out. */
const canvasSideMax = 2048;
const objectSideMin = 8;
/** Longer side of the coarse matte on which specks are found. */
const overviewSide = 256;

/**
 * Cuts the object out of a picture and puts it in the middle of a square canvas, whose side the longer side of the
 * object's box fills by `foregroundRatio`. Keeps the picture's own pixels unless the canvas would be larger than 2048.
 * Throws `unprocessable_image` when the object is smaller than 8 pixels.
 */
export function cutOut(picture: Picture, matte: Matte, foregroundRatio: number): Picture {
  const box = objectBox(matte);
  if (box === null) {
    throw new Problem('unprocessable_image', 'The object in the picture is too small or too scattered.', {
      param: 'image',
    });
  }
  const longer = Math.max(box.width, box.height);
  if (longer < objectSideMin) {
    throw new Problem('unprocessable_image', `The object in the picture is only ${longer} pixels long.`, {
      param: 'image',
    });
  }
  const side = Math.max(Math.round(longer / foregroundRatio), longer);
  const left = box.x - Math.floor((side - box.width) / 2);
  const top = box.y - Math.floor((side - box.height) / 2);
  return side <= canvasSideMax
    ? crop(picture, matte, { left, top, side })
    : shrink(picture, matte, { left, top, side });
}

type Box = { x: number; y: number; width: number; height: number };

/** The box around the pixels with alpha >= 0.5, less the specks; null where all of them are specks. */
function objectBox(matte: Matte): Box | null {
  const overview = overviewOf(matte);
  const step = overviewStep(matte);
  let [x0, y0, x1, y1] = [matte.width, matte.height, -1, -1];
  for (let y = 0; y < matte.height; y++) {
    for (let x = 0; x < matte.width; x++) {
      if ((matte.alpha[y * matte.width + x] as number) < 0.5) continue;
      if (!overview[Math.floor(y / step) * overviewSide + Math.floor(x / step)]) continue;
      x0 = Math.min(x0, x);
      y0 = Math.min(y0, y);
      x1 = Math.max(x1, x);
      y1 = Math.max(y1, y);
    }
  }
  if (x1 < 0) return null;
  return { x: x0, y: y0, width: x1 - x0 + 1, height: y1 - y0 + 1 };
}

/** Which cells of a coarse square grid hold a part of the object that is no speck. */
function overviewOf(matte: Matte): Float32Array {
  const step = overviewStep(matte);
  const cells = new Float32Array(overviewSide * overviewSide);
  for (let y = 0; y < matte.height; y++) {
    for (let x = 0; x < matte.width; x++) {
      if ((matte.alpha[y * matte.width + x] as number) < 0.5) continue;
      cells[Math.floor(y / step) * overviewSide + Math.floor(x / step)] = 1;
    }
  }
  return cleanSilhouette(cells, overviewSide);
}

function overviewStep(matte: Matte): number {
  return Math.max(matte.width / overviewSide, matte.height / overviewSide, 1);
}

type Cut = { left: number; top: number; side: number };

function crop(picture: Picture, matte: Matte, { left, top, side }: Cut): Picture {
  const data = new Uint8Array(side * side * 4);
  const x0 = Math.max(left, 0);
  const x1 = Math.min(left + side, picture.width);
  for (let y = Math.max(top, 0); y < Math.min(top + side, picture.height); y++) {
    const from = (y * picture.width + x0) * 4;
    const to = ((y - top) * side + x0 - left) * 4;
    data.set(picture.data.subarray(from, from + (x1 - x0) * 4), to);
    for (let x = x0; x < x1; x++) {
      data[to + (x - x0) * 4 + 3] = Math.round(255 * (matte.alpha[y * matte.width + x] as number));
    }
  }
  return { width: side, height: side, data };
}

function shrink(picture: Picture, matte: Matte, { left, top, side }: Cut): Picture {
  const own = { ...picture, data: picture.data.slice() };
  for (let i = 0; i < matte.alpha.length; i++) own.data[4 * i + 3] = Math.round(255 * (matte.alpha[i] as number));
  const small = resample(
    { data: premultiply(own), width: picture.width, height: picture.height, channels: 4 },
    { x: left, y: top, width: side, height: side },
    { width: canvasSideMax, height: canvasSideMax },
    { filter: 'area', beyond: 'zero' },
  ).data;
  const data = new Uint8Array(small.length);
  for (let i = 0; i < data.length; i += 4) {
    const alpha = small[i + 3] as number;
    for (let c = 0; c < 3; c++) data[i + c] = alpha > 0 ? Math.round((255 * (small[i + c] as number)) / alpha) : 0;
    data[i + 3] = Math.round(255 * alpha);
  }
  return { width: canvasSideMax, height: canvasSideMax, data };
}

/** Red, green, blue multiplied by alpha, and alpha, from 0 to 1. */
export function premultiply(picture: Picture): Float32Array {
  const { data } = picture;
  const out = new Float32Array(data.length);
  for (let i = 0; i < data.length; i += 4) {
    const alpha = (data[i + 3] as number) / 255;
    for (let c = 0; c < 3; c++) out[i + c] = ((data[i + c] as number) / 255) * alpha;
    out[i + 3] = alpha;
  }
  return out;
}

/** Alpha of a canvas from 0 to 1 on size² pixels. */
export function alphaPlane(canvas: Picture, size: number, filter: Filter): Float32Array {
  const alpha = new Float32Array(canvas.width * canvas.height);
  for (let i = 0; i < alpha.length; i++) alpha[i] = (canvas.data[4 * i + 3] as number) / 255;
  return resample(
    { data: alpha, width: canvas.width, height: canvas.height, channels: 1 },
    { x: 0, y: 0, width: canvas.width, height: canvas.height },
    { width: size, height: size },
    { filter, beyond: 'zero' },
  ).data;
}
