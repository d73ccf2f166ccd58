import { expect, test } from 'vitest';
import { checkMesh } from '../../../gpu-origin/mesh/check.ts';
import { smoothNormals } from '../../../gpu-origin/mesh/normals.ts';

/** A closed double cone: two vertices at which all of its 2n triangles meet. */
function doubleCone(n: number): { positions: Float32Array; indices: Uint32Array } {
  const positions = new Float32Array(3 * (n + 2));
  const indices = new Uint32Array(6 * n);
  for (let i = 0; i < n; i++) {
    const angle = (2 * Math.PI * i) / n;
    positions.set([Math.cos(angle), 0, Math.sin(angle)], 3 * i);
    const next = (i + 1) % n;
    indices.set([i, n, next, next, n + 1, i], 6 * i);
  }
  positions.set([0, 1, 0, 0, -1, 0], 3 * n);
  return { positions, indices };
}

/** Two fans around one edge line that shares its hub: open, with every edge of the hub once. */
function fan(n: number): { positions: Float32Array; indices: Uint32Array } {
  const { positions, indices } = doubleCone(n);
  return { positions, indices: indices.filter((_, i) => i % 6 < 3) };
}

const secondsMax = 10; // a quadratic kernel takes minutes

test('a vertex of 150,000 triangles takes no longer than as many ordinary ones', () => {
  const { positions, indices } = doubleCone(150_000);
  const since = performance.now();
  expect(checkMesh(positions, indices)).toMatchObject({ watertight: true, eulerCharacteristic: 2 });
  const smooth = smoothNormals(positions, indices);
  expect((performance.now() - since) / 1000).toBeLessThan(secondsMax);
  // Around the axis the normal turns by 360 degrees, so the tip cannot have one for all.
  const tips = smooth.sources.filter((source) => source >= 150_000).length;
  expect(tips).toBeGreaterThan(8);
  expect(tips).toBeLessThan(1000);
});

test('an open fan of 150,000 triangles is told with its open edges, in as little time', () => {
  const { positions, indices } = fan(150_000);
  const since = performance.now();
  expect(checkMesh(positions, indices)).toMatchObject({ watertight: false, faults: { openEdges: 150_000 } });
  smoothNormals(positions, indices);
  expect((performance.now() - since) / 1000).toBeLessThan(secondsMax);
});

test('edges that two faces share with one winding are still found', () => {
  const positions = new Float32Array([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]);
  const { faults } = checkMesh(positions, Uint32Array.of(0, 1, 2, 0, 1, 3));
  expect(faults).toMatchObject({ openEdges: 6, sharedEdges: 1 });
});
