import { smoothNormals } from '../../gpu-origin/mesh/normals.ts';
import { rasterize } from '../../gpu-origin/mesh/raster.ts';
import { surfaceNets } from '../../gpu-origin/mesh/surface-nets.ts';
import type { Picture } from '../../gpu-origin/pipeline/picture.ts';
import type { HeldOut } from './held-out.ts';
import { turned } from './sdf.ts';

/** The true surface as the camera has it (x right, y up, z towards it), and the picture that it takes. */
export type Scene = { positions: Float32Array; indices: Uint32Array; picture: Picture };

const gridSize = 112;
const reach = 1.15;
const pictureSize = 256;
const samples = 3;
/** Distance of the camera in units of the solid: as far as the models' own, about. */
const cameraDistance = 5;

/** Builds a solid, turns it to its view, and renders it with one light, sky light and a pattern, on a clear ground. */
export function photograph({ solid, yaw, pitch, seed }: HeldOut): Scene {
  const view = turned(turned(solid, 1, yaw), 0, pitch);
  const values = new Float32Array(gridSize ** 3);
  const at = (step: number) => reach * ((2 * step) / (gridSize - 1) - 1);
  for (let i = 0; i < values.length; i++) {
    values[i] = -view(at(Math.floor(i / gridSize ** 2)), at(Math.floor(i / gridSize) % gridSize), at(i % gridSize));
  }
  const net = surfaceNets({ values, size: gridSize }, 0);
  const positions = net.positions.map((steps) => at(steps));
  return { positions, indices: net.indices, picture: render(positions, net.indices, seed) };
}

function render(positions: Float32Array, indices: Uint32Array, seed: number): Picture {
  const smooth = smoothNormals(positions, indices);
  const side = pictureSize * samples;
  const points = new Float32Array(positions.length);
  for (let i = 0; i < points.length; i += 3) {
    const scale = (side / 2 / 1.2) * (cameraDistance / (cameraDistance - (positions[i + 2] as number)));
    points[i] = side / 2 + scale * (positions[i] as number);
    points[i + 1] = side / 2 - scale * (positions[i + 1] as number);
    points[i + 2] = -1 / (cameraDistance - (positions[i + 2] as number));
  }
  const seen = rasterize(points, indices, { width: side, height: side });
  const sum = new Float32Array(pictureSize ** 2 * 4);
  for (let i = 0; i < side * side; i++) {
    const face = seen.faces[i] as number;
    if (face < 0) continue;
    const normal = [0, 1, 2].map((k) => smooth.normals[3 * (smooth.indices[3 * face] as number) + k] as number);
    const place = [0, 1, 2].map((k) => positions[3 * (indices[3 * face] as number) + k] as number);
    const to = 4 * (Math.floor(i / side / samples) * pictureSize + Math.floor((i % side) / samples));
    for (const [c, value] of colourOf(normal, place, seed).entries()) sum[to + c] = (sum[to + c] as number) + value;
    sum[to + 3] = (sum[to + 3] as number) + 1;
  }
  const data = new Uint8Array(sum.length);
  for (let i = 0; i < sum.length; i += 4) {
    const hits = sum[i + 3] as number;
    if (hits === 0) continue;
    for (let c = 0; c < 3; c++) data[i + c] = Math.round((255 * (sum[i + c] as number)) / hits);
    data[i + 3] = Math.round((255 * hits) / samples ** 2);
  }
  return { width: pictureSize, height: pictureSize, data };
}

/** A plain or a striped coat under a light from the upper left, the sky, and a dull gloss; 0 to 1. */
function colourOf([x = 0, y = 0, z = 0]: number[], [px = 0, py = 0]: number[], seed: number): number[] {
  const hue = (seed * 2.4) % 6.28;
  const stripes = seed % 3 === 2 ? 0.15 * Math.sign(Math.sin(12 * (px + py))) : 0;
  const light = Math.max(-0.45 * x + 0.6 * y + 0.66 * z, 0);
  const gloss = 0.25 * Math.max(-0.25 * x + 0.33 * y + 0.91 * z, 0) ** 30;
  return [0, 2.1, 4.2].map((phase) => {
    const coat = 0.55 + 0.3 * Math.cos(hue + phase) + stripes;
    return Math.min(Math.max(coat * (0.3 + 0.2 * (0.5 + 0.5 * y) + 0.6 * light) + gloss, 0), 1);
  });
}
