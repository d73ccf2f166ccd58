import { largeComponents } from '../mesh/components.ts';
import { smoothNormals } from '../mesh/normals.ts';
import { gather, simplifySurface } from '../mesh/simplify.ts';
import { surfaceNets } from '../mesh/surface-nets.ts';
import type { Surface } from '../mesh/surface.ts';

/** How a field is sampled: resolution³ points within ±radius, in runs; inside is above the threshold. */
export type FieldPlan = { threshold: number; radius: number; pointsPerRun: number; resolution: number };

/** Distance that the surface may move, as a share of its size, to save triangles. */
const simplifyErrorMax = 2e-4;

/**
 * The closed surface of a sampled field, x slowest: its larger parts, turned from the model's axes (+Z up, seen along
 * -X) to glTF's by -90° about X and then +90° about Y, that is (x, y, z) to (-y, z, -x). Without colours; without a face
 * when nothing is inside.
 */
export async function surfaceFromField({ values, plan }: { values: Float32Array; plan: FieldPlan }): Promise<Surface> {
  const { resolution, radius, threshold } = plan;
  const net = surfaceNets({ values, size: resolution }, threshold);
  const indices = largeComponents(net.indices, net.positions.length / 3);
  const spacing = (2 * radius) / (resolution - 1);
  const positions = new Float32Array(net.positions.length);
  for (let i = 0; i < positions.length; i += 3) {
    positions[i] = radius - spacing * (net.positions[i + 1] as number);
    positions[i + 1] = spacing * (net.positions[i + 2] as number) - radius;
    positions[i + 2] = radius - spacing * (net.positions[i] as number);
  }
  const smooth = smoothNormals(positions, indices);
  const surface: Surface = {
    positions: gather(positions, smooth.sources, 3, new Float32Array(3 * smooth.sources.length)),
    indices: smooth.indices,
    normals: smooth.normals,
    sides: null,
    colors: null,
  };
  return simplifySurface(surface, { faces: 0, errorMax: simplifyErrorMax });
}
