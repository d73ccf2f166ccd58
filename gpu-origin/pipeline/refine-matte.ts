import { resample, type Raster } from '../mesh/resample.ts';
import { checkPrediction, type Matte } from './matte.ts';
import type { Picture } from './picture.ts';
import { solidColours } from './solid-colours.ts';
import { squareAround, type Tensor } from './tensor.ts';

/** Half width in pixels of the model's grid of the windows in which alpha is a linear function of colour. */
const windowRadius = 3;
/** Variance of colour (0 to 1 squared) below which a window counts as flat and keeps the model's alpha. */
const flatVariance = 1e-3;

/**
 * A matting model's answer [1,1,S,S] brought to the picture's resolution with the picture as a guide (He, Sun and Tang,
 * Guided Image Filtering, 2013; the linear coefficients are fitted on the model's grid and interpolated), so that it
 * follows the picture's own edges. A picture that has alpha keeps what is see-through. Throws `unprocessable_image`
 * when nothing stands out.
 */
export function refineMatte(picture: Picture, prediction: Tensor): Matte {
  const size = prediction.dims[3] as number;
  const { width, height } = picture;
  checkPrediction(insidePicture(prediction.data, size, picture));
  const colours = solidColours(picture);
  const square = squareAround(picture);
  const small = resample(colours, square, { width: size, height: size }, { filter: 'area', beyond: 'clamp' });
  const coefficients = fit(small.data, prediction.data, size);
  const scale = size / square.width;
  const region = { x: -square.x * scale, y: -square.y * scale, width: width * scale, height: height * scale };
  const fine = resample(coefficients, region, { width, height }, { filter: 'smooth', beyond: 'clamp' }).data;
  const alpha = new Float32Array(width * height);
  for (let i = 0; i < alpha.length; i++) {
    let value = fine[4 * i + 3] as number;
    for (let c = 0; c < 3; c++) value += (fine[4 * i + c] as number) * (colours.data[3 * i + c] as number);
    alpha[i] = Math.min(steepened(value), (picture.data[4 * i + 3] as number) / 255);
  }
  return checkPrediction({ width, height, alpha });
}

/** Takes haze out of what is nearly clear or nearly solid. */
function steepened(alpha: number): number {
  return Math.min(Math.max((alpha - 0.1) / 0.8, 0), 1);
}

function insidePicture(alpha: Float32Array, size: number, picture: Picture): Matte {
  const square = squareAround(picture);
  const scale = size / square.width;
  const width = Math.max(Math.round(picture.width * scale), 1);
  const height = Math.max(Math.round(picture.height * scale), 1);
  const left = Math.round(-square.x * scale);
  const top = Math.round(-square.y * scale);
  const inside = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) inside[y * width + x] = alpha[(y + top) * size + x + left] ?? 0;
  }
  return { width, height, alpha: inside };
}

/** Per pixel the weights of red, green, blue and a constant that explain alpha best in the windows around it. */
function fit(colours: Float32Array, alpha: Float32Array, size: number): Raster {
  // Means of r, g, b, a, the six products of colours, and the three of colours with alpha.
  const moments = new Float32Array(size * size * 13);
  for (let i = 0; i < size * size; i++) {
    const [r, g, b] = [colours[3 * i], colours[3 * i + 1], colours[3 * i + 2]] as [number, number, number];
    const a = alpha[i] as number;
    moments.set([r, g, b, a, r * r, r * g, r * b, g * g, g * b, b * b, r * a, g * a, b * a], 13 * i);
  }
  const means = windowMeans(moments, size, 13);
  const coefficients = new Float32Array(size * size * 4);
  for (let i = 0; i < size * size; i++) {
    const m = means.subarray(13 * i, 13 * i + 13) as unknown as number[];
    const [r, g, b, a] = m as [number, number, number, number];
    const at = (k: number) => m[k] as number;
    const weights = solve(
      [
        at(4) - r * r + flatVariance,
        at(5) - r * g,
        at(6) - r * b,
        at(7) - g * g + flatVariance,
        at(8) - g * b,
        at(9) - b * b + flatVariance,
      ],
      [at(10) - r * a, at(11) - g * a, at(12) - b * a],
    );
    coefficients.set([...weights, a - weights[0] * r - weights[1] * g - weights[2] * b], 4 * i);
  }
  return { data: windowMeans(coefficients, size, 4), width: size, height: size, channels: 4 };
}

type Triple = [number, number, number];

/** Solves a symmetric positive definite 3 × 3 system, given as xx xy xz yy yz zz, by Cramer's rule. */
function solve([xx, xy, xz, yy, yz, zz]: [number, number, number, number, number, number], [x, y, z]: Triple): Triple {
  const a = yy * zz - yz * yz;
  const b = xz * yz - xy * zz;
  const c = xy * yz - xz * yy;
  const determinant = xx * a + xy * b + xz * c;
  return [
    (a * x + b * y + c * z) / determinant,
    (b * x + (xx * zz - xz * xz) * y + (xy * xz - xx * yz) * z) / determinant,
    (c * x + (xy * xz - xx * yz) * y + (xx * yy - xy * xy) * z) / determinant,
  ];
}

/** Means over windows of 2r + 1 squared pixels, cut off at the border. */
function windowMeans(data: Float32Array, size: number, channels: number): Float32Array {
  return lineMeans(lineMeans(data, { size, channels, step: 1, across: size }), {
    size,
    channels,
    step: size,
    across: 1,
  });
}

type Lines = { size: number; channels: number; step: number; across: number };

function lineMeans(data: Float32Array, { size, channels, step, across }: Lines): Float32Array {
  const out = new Float32Array(data.length);
  for (let line = 0; line < size; line++) {
    for (let c = 0; c < channels; c++) {
      const at = (k: number) => (line * across + k * step) * channels + c;
      let sum = 0;
      for (let k = 0; k < Math.min(windowRadius, size); k++) sum += data[at(k)] as number;
      for (let k = 0; k < size; k++) {
        if (k + windowRadius < size) sum += data[at(k + windowRadius)] as number;
        if (k - windowRadius - 1 >= 0) sum -= data[at(k - windowRadius - 1)] as number;
        out[at(k)] = sum / (Math.min(k + windowRadius, size - 1) - Math.max(k - windowRadius, 0) + 1);
      }
    }
  }
  return out;
}
