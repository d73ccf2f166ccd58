import { expect, test } from 'vitest';
import { checkMesh } from '../../../gpu-origin/mesh/check.ts';

// A tetrahedron whose faces have vertices of their own, as a mesh with seams has.
const corners = [
  [0, 0, 0],
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
] as const;
const faces = [
  [0, 2, 1],
  [0, 1, 3],
  [1, 2, 3],
  [0, 3, 2],
] as const;

function mesh(list: readonly (readonly number[])[], places: readonly (readonly number[])[] = corners) {
  const positions = Float32Array.from(list.flatMap((face) => face.flatMap((corner) => places[corner] ?? [])));
  return [positions, Uint32Array.from({ length: list.length * 3 }, (_, i) => i)] as const;
}

test('a closed body with seams is watertight', () => {
  expect(checkMesh(...mesh(faces))).toMatchObject({ watertight: true, eulerCharacteristic: 2 });
});

test('a missing face leaves three open edges', () => {
  expect(checkMesh(...mesh(faces.slice(1)))).toMatchObject({ watertight: false, faults: { openEdges: 3 } });
});

test('a face turned over shares its edges with its neighbours', () => {
  const turned = [[0, 1, 2], ...faces.slice(1)];
  expect(checkMesh(...mesh(turned)).faults.sharedEdges).toBe(3);
});

test('two bodies that touch at a point are pinched there', () => {
  const mirrored = faces.map((face) => face.map((corner) => (corner === 0 ? 0 : corner + 3)));
  const places = [...corners, [-1, 0, 0], [0, -1, 0], [0, 0, -1]];
  // The mirror image has its winding turned, so turn it back.
  const other = mirrored.map(([a = 0, b = 0, c = 0]) => [a, c, b]);
  const check = checkMesh(...mesh([...faces, ...other], places));
  expect(check).toMatchObject({ watertight: false, faults: { openEdges: 0, sharedEdges: 0, pinchedVertices: 1 } });
});

test('a face with no area is degenerate, and nothing is not watertight', () => {
  const [positions, indices] = mesh([...faces, [0, 1, 1]]);
  expect(checkMesh(positions, indices).faults.degenerateFaces).toBe(1);
  expect(checkMesh(new Float32Array(), new Uint32Array()).watertight).toBe(false);
});
