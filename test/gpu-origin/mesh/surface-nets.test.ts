import { describe, expect, test } from 'vitest';
import { checkMesh } from '../../../gpu-origin/mesh/check.ts';
import { largeComponents } from '../../../gpu-origin/mesh/components.ts';
import { surfaceNets } from '../../../gpu-origin/mesh/surface-nets.ts';
import { asManifold } from './manifold.ts';
import { seededRandom } from './shapes.ts';
import { eulerCharacteristics, sampled, solids } from './solids.ts';

const radius = 0.87;

const withCrumb = (x: number, y: number, z: number) => Math.min(solids.twoBodies(x, y, z), crumb(x, y, z));
const crumb = (x: number, y: number, z: number) => Math.hypot(x - 0.8, y - 0.8, z - 0.8) - 0.04;

describe.each(['sphere', 'torus', 'boxFrame', 'twoBodies'] as const)('surface nets of the field of a %s', (name) => {
  test.each([32, 65])('on %i³ points are closed, of the right genus, and within half a voxel of the truth', (size) => {
    const { positions, indices } = surfaceNets({ values: sampled(solids[name], size, radius), size }, 0);
    expect(checkMesh(positions, indices)).toMatchObject({
      watertight: true,
      eulerCharacteristic: eulerCharacteristics[name],
    });
    const spacing = (2 * radius) / (size - 1);
    let square = 0;
    for (let i = 0; i < positions.length; i += 3) {
      const [x = 0, y = 0, z = 0] = positions.subarray(i, i + 3).map((steps) => steps * spacing - radius);
      square += (solids[name](x, y, z) / spacing) ** 2 / (positions.length / 3);
    }
    expect(Math.sqrt(square)).toBeLessThan(0.2);
    expect(asManifold(positions, indices).status).toBe('NoError');
    expect(asManifold(positions, indices).volume).toBeGreaterThan(0);
  });
});

test('a sphere shows no terraces: its vertices lie within a twentieth of a voxel of it', () => {
  const size = 65;
  const { positions } = surfaceNets({ values: sampled(solids.sphere, size, radius), size }, 0);
  const spacing = (2 * radius) / (size - 1);
  for (let i = 0; i < positions.length; i += 3) {
    const [x = 0, y = 0, z = 0] = positions.subarray(i, i + 3).map((steps) => steps * spacing - radius);
    expect(Math.abs(solids.sphere(x, y, z)) / spacing).toBeLessThan(0.05);
  }
});

test.each([1, 2, 3, 4, 5, 6])(
  'the field of noise %i, with every ambiguous cell there is, gives a manifold surface',
  (seed) => {
    const random = seededRandom(seed);
    const size = 24;
    const values = Float32Array.from({ length: size ** 3 }, () => random() - 0.35 - 0.05 * seed);
    const { positions, indices } = surfaceNets({ values, size }, 0);
    expect(indices.length).toBeGreaterThan(10_000);
    expect(checkMesh(positions, indices).faults).toEqual({
      openEdges: 0,
      sharedEdges: 0,
      pinchedVertices: 0,
      degenerateFaces: 0,
    });
  },
);

test('what reaches the border is closed there, and an empty field has no surface', () => {
  const size = 8;
  const full = surfaceNets({ values: new Float32Array(size ** 3).fill(1), size }, 0.5);
  expect(checkMesh(full.positions, full.indices)).toMatchObject({ watertight: true, eulerCharacteristic: 2 });
  expect(surfaceNets({ values: new Float32Array(size ** 3), size }, 0.5).indices.length).toBe(0);
});

test('the larger parts of a surface are kept, the crumbs are not', () => {
  const size = 65;
  const { positions, indices } = surfaceNets({ values: sampled(withCrumb, size, radius), size }, 0);
  expect(checkMesh(positions, indices).eulerCharacteristic).toBe(6);
  const kept = largeComponents(indices, positions.length / 3);
  expect(checkMesh(positions, kept)).toMatchObject({ watertight: true, eulerCharacteristic: 4 });
});
