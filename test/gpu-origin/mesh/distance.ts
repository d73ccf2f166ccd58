import { Triangle, Vector3 } from 'three';

type Triangles = { positions: Float32Array; indices: Uint32Array };

/** The greatest distance of every `step`-th vertex of one surface from another; O(vertices × faces). */
export function greatestDistance(from: Triangles, to: Triangles, step: number): number {
  const corner = (index: number) => new Vector3().fromArray(to.positions, 3 * (to.indices[index] as number));
  const triangles = Array.from(
    { length: to.indices.length / 3 },
    (_, i) => new Triangle(corner(3 * i), corner(3 * i + 1), corner(3 * i + 2)),
  );
  const point = new Vector3();
  const nearest = new Vector3();
  let greatest = 0;
  for (let v = 0; v < from.positions.length; v += 3 * step) {
    point.fromArray(from.positions, v);
    let least = Infinity;
    for (const triangle of triangles) {
      triangle.closestPointToPoint(point, nearest);
      least = Math.min(least, nearest.distanceToSquared(point));
    }
    greatest = Math.max(greatest, least);
  }
  return Math.sqrt(greatest);
}

/** The largest side of the box around a surface. */
export function extentOf({ positions }: Triangles): number {
  const sides = [0, 1, 2].map((axis) => {
    const values = positions.filter((_, i) => i % 3 === axis);
    return values.reduce((a, b) => Math.max(a, b)) - values.reduce((a, b) => Math.min(a, b));
  });
  return Math.max(...sides);
}
