import { describe, expect, test } from 'vitest';
import { checkMesh } from '../../../gpu-origin/mesh/check.ts';
import { inflation } from '../../../gpu-origin/mesh/inflation.ts';
import { joinSheets, type Sheets } from '../../../gpu-origin/mesh/two-sided.ts';
import { asManifold } from './manifold.ts';
import { alphaOf, disc, plane, seededRandom } from './shapes.ts';

const size = 64;

function sheets(alpha: Float32Array, offset: (x: number, y: number) => number = () => 0): Sheets {
  const heights = inflation(alpha, size, 'contour');
  const front = plane(size, offset);
  return { size, alpha, inflation: heights, bulk: heights, front, back: front.map((z) => -z), cameraDistance: 5 };
}

function radii(positions: Float32Array): number[] {
  return Array.from({ length: positions.length / 3 }, (_, v) => Math.hypot(...positions.subarray(3 * v, 3 * v + 3)));
}

describe('joined sheets', () => {
  test('of a disc seen from afar are a sphere', () => {
    const joined = joinSheets({ ...sheets(alphaOf(size, disc(0.8))), cameraDistance: null });
    const distances = radii(joined.positions);
    expect(Math.min(...distances)).toBeGreaterThan(0.78);
    expect(Math.max(...distances)).toBeLessThan(0.82);
    expect(asManifold(joined.positions, joined.indices)).toMatchObject({ status: 'NoError', genus: 0 });
    expect(asManifold(joined.positions, joined.indices).volume).toBeCloseTo((4 / 3) * Math.PI * 0.8 ** 3, 1);
  });

  test('get a wall where they do not meet at the rim', () => {
    const joined = joinSheets(sheets(alphaOf(size, disc(0.7)), () => 0.3));
    const walls = joined.sides.filter((side) => side === 2).length;
    expect(walls).toBeGreaterThan(200);
    expect(asManifold(joined.positions, joined.indices)).toMatchObject({ status: 'NoError', genus: 0 });
  });

  test('get walls that run out where the sheets come together', () => {
    const joined = joinSheets(sheets(alphaOf(size, disc(0.7)), (x) => 0.4 * x));
    expect(joined.sides.some((side) => side === 2)).toBe(true);
    expect(asManifold(joined.positions, joined.indices)).toMatchObject({ status: 'NoError', genus: 0 });
  });

  test('keep a hole of the matte as a hole of the body', () => {
    const ring = alphaOf(size, (x, y) => 0.25 - Math.abs(Math.hypot(x, y) - 0.6));
    const joined = joinSheets(sheets(ring));
    expect(checkMesh(joined.positions, joined.indices)).toMatchObject({ watertight: true, eulerCharacteristic: 0 });
  });

  test('keep several parts apart', () => {
    const two = alphaOf(size, (x, y) => Math.max(disc(0.3, -0.5)(x, y), disc(0.3, 0.5)(x, y)));
    const joined = joinSheets(sheets(two));
    expect(checkMesh(joined.positions, joined.indices)).toMatchObject({ watertight: true, eulerCharacteristic: 4 });
  });

  test('do not cross, however far the model pushes one through the other', () => {
    const joined = joinSheets(sheets(alphaOf(size, disc(0.8)), () => -3));
    expect(asManifold(joined.positions, joined.indices).volume).toBeGreaterThan(0);
    expect(checkMesh(joined.positions, joined.indices).watertight).toBe(true);
  });

  test('close at the canvas border', () => {
    const joined = joinSheets(sheets(new Float32Array(size * size).fill(1)));
    expect(asManifold(joined.positions, joined.indices)).toMatchObject({ status: 'NoError', genus: 0 });
  });

  test.each([1, 2, 3, 4])(
    'are watertight and manifold for the random matte %i, whose pixels touch in every way',
    (seed) => {
      const random = seededRandom(seed);
      const alpha = plane(size, () => random());
      const offsets = plane(size, () => random() - 0.5);
      const noise = { ...sheets(alpha), front: offsets, back: offsets.map((z) => z * random()) };
      const joined = joinSheets(noise);
      expect(checkMesh(joined.positions, joined.indices).faults).toEqual({
        openEdges: 0,
        sharedEdges: 0,
        pinchedVertices: 0,
        degenerateFaces: 0,
      });
      expect(asManifold(joined.positions, joined.indices).status).toBe('NoError');
    },
  );
});

test('undoing the perspective moves points along their rays to the camera', () => {
  const flat = sheets(alphaOf(size, disc(0.8)));
  const parallel = joinSheets({ ...flat, cameraDistance: null }).positions;
  const seen = joinSheets(flat).positions;
  for (let i = 0; i < seen.length; i += 3) {
    const z = parallel[i + 2] as number;
    expect(seen[i] as number).toBeCloseTo(((parallel[i] as number) * (5 - z)) / 5, 5);
    expect(seen[i + 2]).toBe(z);
  }
});
