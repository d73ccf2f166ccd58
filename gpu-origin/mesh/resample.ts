/**
 * How samples between pixels are made: `area` averages what a pixel covers (for shrinking), `smooth` is the cubic
 * B-spline (softens, never overshoots), `sharp` is Catmull-Rom (passes through the samples).
 */
export type Filter = 'area' | 'smooth' | 'sharp';

/** Interleaved samples, row by row from the top. */
export type Raster = { data: Float32Array; width: number; height: number; channels: number };

/** A rectangle in pixels of a raster; it may reach beyond it. */
export type Region = { x: number; y: number; width: number; height: number };

/** How a raster is sampled; beyond its border it goes on as its border pixels (`clamp`) or as zero. */
type Sampling = { filter: Filter; beyond: 'clamp' | 'zero' };

/** Samples a region of a raster at another size. Separable: O(target pixels × taps). */
export function resample(
  source: Raster,
  region: Region,
  target: { width: number; height: number },
  sampling: Sampling,
): Raster {
  const { channels } = source;
  const stride = target.width * channels;
  const data = new Float32Array(target.height * stride);
  resampleRows(source, region, target, sampling, (y, row) => data.set(row, y * stride));
  return { data, width: target.width, height: target.height, channels };
}

/**
 * As `resample`, a row at a time from the top: `take` gets each, which is overwritten afterwards. Holds as many rows as
 * the filter reaches over, so that what it works on stays in the processor's cache.
 */
export function resampleRows(
  source: Raster,
  region: Region,
  target: { width: number; height: number },
  sampling: Sampling,
  take: (y: number, row: Float32Array) => void,
): void {
  const across = taps({ from: region.x, span: region.width, count: target.width, limit: source.width, ...sampling });
  const down = taps({ from: region.y, span: region.height, count: target.height, limit: source.height, ...sampling });
  const stride = target.width * source.channels;
  const narrow = Array.from({ length: down.width }, () => ({ y: -1, row: new Float32Array(stride) }));
  const sum = new Float32Array(stride);
  for (let y = 0; y < target.height; y++) {
    sum.fill(0);
    for (let k = y * down.width; k < (y + 1) * down.width; k++) {
      const weight = down.weights[k] as number;
      if (weight === 0) continue;
      const from = down.indices[k] as number;
      const held = narrow[from % down.width] as (typeof narrow)[number];
      if (held.y !== from) {
        resampleRow(source, from, across, held.row);
        held.y = from;
      }
      const { row } = held;
      for (let i = 0; i < stride; i++) sum[i] = (sum[i] as number) + weight * (row[i] as number);
    }
    take(y, sum);
  }
}

function resampleRow({ data, width, channels }: Raster, y: number, across: Taps, into: Float32Array): void {
  const row = y * width * channels;
  const count = into.length / channels;
  if (channels === 3) {
    // Colours, which most of the time goes on: each weight is looked up once.
    for (let x = 0, k = 0; x < count; x++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (const end = k + across.width; k < end; k++) {
        const weight = across.weights[k] as number;
        const at = row + 3 * (across.indices[k] as number);
        red += weight * (data[at] as number);
        green += weight * (data[at + 1] as number);
        blue += weight * (data[at + 2] as number);
      }
      into[3 * x] = red;
      into[3 * x + 1] = green;
      into[3 * x + 2] = blue;
    }
    return;
  }
  for (let x = 0; x < count; x++) {
    const first = x * across.width;
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let k = first; k < first + across.width; k++) {
        const at = row + (across.indices[k] as number) * channels + c;
        sum += (across.weights[k] as number) * (data[at] as number);
      }
      into[x * channels + c] = sum;
    }
  }
}

type Taps = { width: number; indices: Int32Array; weights: Float32Array };

function taps(axis: Sampling & { from: number; span: number; count: number; limit: number }): Taps {
  const step = axis.span / axis.count;
  const scale = Math.max(step, 1);
  const radius = (axis.filter === 'area' ? 1 : 2) * scale;
  const width = Math.ceil(2 * radius); // at the radius itself the weight is zero
  const indices = new Int32Array(axis.count * width);
  const weights = new Float32Array(axis.count * width);
  for (let i = 0; i < axis.count; i++) {
    const centre = axis.from + (i + 0.5) * step - 0.5;
    const start = Math.ceil(centre - radius);
    let sum = 0;
    for (let k = 0; k < width; k++) sum += kernel(axis.filter, start + k - centre, scale, step);
    for (let k = 0; k < width; k++) {
      const weight = kernel(axis.filter, start + k - centre, scale, step) / sum;
      const inside = start + k >= 0 && start + k < axis.limit;
      if (weight === 0 || (!inside && axis.beyond === 'zero')) continue;
      const index = Math.min(Math.max(start + k, 0), axis.limit - 1);
      indices[i * width + k] = index;
      weights[i * width + k] = weight;
    }
  }
  return { width, indices, weights };
}

function kernel(filter: Filter, distance: number, scale: number, step: number): number {
  const t = Math.abs(distance) / scale;
  if (filter === 'area') {
    // The exact overlap of the two pixels when shrinking, the tent when growing.
    return step <= 1 ? Math.max(0, 1 - t) : overlap(distance, step);
  }
  if (t >= 2) return 0;
  if (filter === 'smooth') return t < 1 ? 2 / 3 + t * t * (t / 2 - 1) : (2 - t) ** 3 / 6;
  return t < 1 ? 1 + t * t * (1.5 * t - 2.5) : 2 + t * (-4 + t * (2.5 - 0.5 * t));
}

/** Length that a pixel of width 1 at `distance` shares with a pixel of width `step` at 0. */
function overlap(distance: number, step: number): number {
  const low = Math.max(distance - 0.5, -step / 2);
  const high = Math.min(distance + 0.5, step / 2);
  return Math.max(0, high - low);
}
