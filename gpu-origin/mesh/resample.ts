/**
 * How samples between pixels are made: `area` averages what a pixel covers (for shrinking), `smooth` is the cubic
 * B-spline (softens, never overshoots), `sharp` is Catmull-Rom (passes through the samples).
 */
export type Filter = 'area' | 'smooth' | 'sharp';

/** Interleaved samples, row by row from the top. */
export type Raster = { data: Float32Array; width: number; height: number; channels: number };

/** A rectangle in pixels of a raster; it may reach beyond it. */
export type Region = { x: number; y: number; width: number; height: number };

/**
 * Samples a region of a raster at another size. Beyond its border the raster goes on as its border pixels (`clamp`) or as
 * zero. Separable: O(target pixels × taps).
 */
export function resample(
  source: Raster,
  region: Region,
  target: { width: number; height: number },
  { filter, beyond }: { filter: Filter; beyond: 'clamp' | 'zero' },
): Raster {
  const across = taps({ from: region.x, span: region.width, count: target.width, limit: source.width, filter, beyond });
  const down = taps({
    from: region.y,
    span: region.height,
    count: target.height,
    limit: source.height,
    filter,
    beyond,
  });
  const { channels } = source;
  const rows = down.last - down.first + 1;
  const narrow = new Float32Array(Math.max(rows, 0) * target.width * channels);
  for (let y = 0; y < rows; y++) {
    const row = (y + down.first) * source.width * channels;
    for (let x = 0; x < target.width; x++) {
      const to = (y * target.width + x) * channels;
      const first = x * across.width;
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = first; k < first + across.width; k++) {
          const at = row + (across.indices[k] as number) * channels + c;
          sum += (across.weights[k] as number) * (source.data[at] as number);
        }
        narrow[to + c] = sum;
      }
    }
  }
  const data = new Float32Array(target.width * target.height * channels);
  const stride = target.width * channels;
  for (let y = 0; y < target.height; y++) {
    for (let k = 0; k < down.width; k++) {
      const weight = down.weights[y * down.width + k] as number;
      if (weight === 0) continue;
      const at = ((down.indices[y * down.width + k] as number) - down.first) * stride;
      for (let i = 0; i < stride; i++)
        data[y * stride + i] = (data[y * stride + i] as number) + weight * (narrow[at + i] as number);
    }
  }
  return { data, width: target.width, height: target.height, channels };
}

type Taps = { width: number; indices: Int32Array; weights: Float32Array; first: number; last: number };

function taps(axis: {
  from: number;
  span: number;
  count: number;
  limit: number;
  filter: Filter;
  beyond: 'clamp' | 'zero';
}): Taps {
  const step = axis.span / axis.count;
  const scale = Math.max(step, 1);
  const radius = (axis.filter === 'area' ? 1 : 2) * scale;
  const width = Math.ceil(2 * radius); // at the radius itself the weight is zero
  const indices = new Int32Array(axis.count * width);
  const weights = new Float32Array(axis.count * width);
  let first = axis.limit;
  let last = -1;
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
      first = Math.min(first, index);
      last = Math.max(last, index);
    }
  }
  return { width, indices, weights, first, last };
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
