import { rasterize } from '../../../gpu-origin/mesh/raster.ts';

/** Distance of the thumbnail's camera in radii of the sphere around the box, and the share of the picture that it fills. */
const distance = 5;
const fill = 0.95;

type View = { yawDegrees: number; pitchDegrees: number; size: number };

/** Which pixels of a square picture a mesh covers, seen from so far to its right and so far above. */
export function silhouetteFrom(
  { positions, indices }: { positions: Float32Array; indices: Uint32Array },
  { yawDegrees, pitchDegrees, size }: View,
): boolean[] {
  const [yaw, pitch] = [(yawDegrees * Math.PI) / 180, (pitchDegrees * Math.PI) / 180];
  const points = centred(positions);
  const radius = points.reduce((most, point) => Math.max(most, Math.hypot(...point)), 0);
  const projected = points.flatMap(([x, y, z]) => {
    // The camera goes round to the right, which turns the mesh to the left; then it rises, which turns it down.
    const [right, near] = [x * Math.cos(yaw) - z * Math.sin(yaw), x * Math.sin(yaw) + z * Math.cos(yaw)];
    const [up, towards] = [y * Math.cos(pitch) - near * Math.sin(pitch), y * Math.sin(pitch) + near * Math.cos(pitch)];
    const away = distance * radius - towards;
    // The sphere's outline, not its radius, fills the picture.
    const scale = ((size / 2) * fill * Math.sqrt(distance ** 2 - 1)) / away;
    return [size / 2 + scale * right, size / 2 - scale * up, -1 / away];
  });
  const { faces } = rasterize(Float32Array.from(projected), indices, { width: size, height: size });
  return Array.from(faces, (face) => face >= 0);
}

function centred(positions: Float32Array): [number, number, number][] {
  const points = Array.from({ length: positions.length / 3 }, (_, v) => [...positions.subarray(3 * v, 3 * v + 3)]);
  const middle = [0, 1, 2].map((k) => {
    const values = points.map((point) => point[k] ?? NaN);
    return (values.reduce((a, b) => Math.min(a, b)) + values.reduce((a, b) => Math.max(a, b))) / 2;
  });
  return points.map((point) => point.map((value, k) => value - (middle[k] ?? NaN)) as [number, number, number]);
}
