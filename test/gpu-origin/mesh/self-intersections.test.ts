import { expect, test } from 'vitest';
import { selfIntersections } from './self-intersections.ts';

/** A tetrahedron with its corner here: vertices and triangles to go on from so many vertices. */
function tetrahedron([x, y, z]: [number, number, number], from: number) {
  const corners = [
    [0, 0, 0],
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ];
  return {
    positions: corners.flatMap(([u = 0, v = 0, w = 0]) => [x + u, y + v, z + w]),
    indices: [0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3].map((vertex) => from + vertex),
  };
}

function pairsOf(place: [number, number, number]): number {
  const [first, second] = [tetrahedron([0, 0, 0], 0), tetrahedron(place, 4)];
  const positions = Float32Array.from([...first.positions, ...second.positions]);
  return selfIntersections(positions, Uint32Array.from([...first.indices, ...second.indices])).length;
}

test('bodies that go into each other are found, by each pair of triangles, and those that do not are not', () => {
  expect(pairsOf([0.2, 0.2, 0.2])).toBe(3);
  expect(pairsOf([0.05, -0.3, 0.05])).toBeGreaterThan(2);
  expect(pairsOf([1.5, 0, 0])).toBe(0);
  // Faces that lie in one plane, and corners that are the same, touch.
  expect(pairsOf([1, 0, 0])).toBe(0);
});
