import { faceNormals } from '../../gpu-origin/mesh/face-normals.ts';
import { seededRandom } from '../../test/gpu-origin/mesh/shapes.ts';

/** How far two surfaces are apart, in shares of the longest side in x and y. */
export type SurfaceDistance = { chamfer: number; f05: number; f10: number };

const pointCount = 5000;

/** Chamfer distance (mean of both directions) and F-scores at 0.05 and 0.1 of two meshes, each centred and scaled by itself. */
export function surfaceDistance(a: Triangles, b: Triangles): SurfaceDistance {
  const [from, to] = [normalized(sampleSurface(a, 1)), normalized(sampleSurface(b, 2))];
  const [there, back] = [nearest(from, to), nearest(to, from)];
  return { chamfer: (meanOf(there) + meanOf(back)) / 2, f05: fScore(there, back, 0.05), f10: fScore(there, back, 0.1) };
}

export type Triangles = { positions: Float32Array; indices: Uint32Array };

/** Points spread evenly over a surface: one in each equal share of its area. */
function sampleSurface({ positions, indices }: Triangles, seed: number): Float32Array {
  const random = seededRandom(seed);
  const { areas } = faceNormals(positions, indices);
  const total = areas.reduce((sum, area) => sum + area, 0);
  const points = new Float32Array(3 * pointCount);
  let reached = areas[0] as number;
  for (let i = 0, face = 0; i < pointCount; i++) {
    const wanted = ((i + random()) / pointCount) * total;
    while (reached < wanted && face < areas.length - 1) reached += areas[++face] as number;
    const root = Math.sqrt(random());
    const second = root * (1 - random());
    for (let k = 0; k < 3; k++) {
      const at = (corner: number) => positions[3 * (indices[3 * face + corner] as number) + k] as number;
      points[3 * i + k] = (1 - root) * at(0) + second * at(1) + (root - second) * at(2);
    }
  }
  return points;
}

/** Moved to its mean, with its longest side in x and y scaled to 1. */
function normalized(points: Float32Array): Float32Array {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  const mean = [0, 0, 0];
  for (const [i, value] of points.entries()) {
    low[i % 3] = Math.min(low[i % 3] as number, value);
    high[i % 3] = Math.max(high[i % 3] as number, value);
    mean[i % 3] = (mean[i % 3] as number) + (3 * value) / points.length;
  }
  const side = (k: number) => (high[k] as number) - (low[k] as number);
  const scale = 1 / Math.max(side(0), side(1));
  return points.map((value, i) => scale * (value - (mean[i % 3] as number)));
}

/** Distance of each point of one cloud to the nearest of the other; all pairs, 25 million. */
function nearest(from: Float32Array, to: Float32Array): Float32Array {
  const out = new Float32Array(from.length / 3);
  for (let i = 0; i < out.length; i++) {
    const x = from[3 * i] as number;
    const y = from[3 * i + 1] as number;
    const z = from[3 * i + 2] as number;
    let least = Infinity;
    for (let j = 0; j < to.length; j += 3) {
      const u = (to[j] as number) - x;
      const v = (to[j + 1] as number) - y;
      const w = (to[j + 2] as number) - z;
      const square = u * u + v * v + w * w;
      if (square < least) least = square;
    }
    out[i] = Math.sqrt(least);
  }
  return out;
}

function meanOf(list: Float32Array): number {
  return list.reduce((sum, value) => sum + value, 0) / list.length;
}

function fScore(there: Float32Array, back: Float32Array, within: number): number {
  const share = (list: Float32Array) => list.filter((value) => value < within).length / list.length;
  const [precision, recall] = [share(there), share(back)];
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
}
