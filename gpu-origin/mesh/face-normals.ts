/** Of each triangle its unit normal (three numbers, all 0 where it has no area) and its area. */
export type FaceNormals = { units: Float32Array; areas: Float32Array };

/** The normals of a mesh's triangles, whose corners are counter-clockwise seen from outside. */
export function faceNormals(positions: Float32Array, indices: Uint32Array): FaceNormals {
  const count = indices.length / 3;
  const units = new Float32Array(indices.length);
  const areas = new Float32Array(count);
  for (let f = 0; f < count; f++) {
    const a = 3 * (indices[3 * f] as number);
    const b = 3 * (indices[3 * f + 1] as number);
    const c = 3 * (indices[3 * f + 2] as number);
    const ux = (positions[b] as number) - (positions[a] as number);
    const uy = (positions[b + 1] as number) - (positions[a + 1] as number);
    const uz = (positions[b + 2] as number) - (positions[a + 2] as number);
    const vx = (positions[c] as number) - (positions[a] as number);
    const vy = (positions[c + 1] as number) - (positions[a + 1] as number);
    const vz = (positions[c + 2] as number) - (positions[a + 2] as number);
    const x = uy * vz - uz * vy;
    const y = uz * vx - ux * vz;
    const z = ux * vy - uy * vx;
    const length = Math.sqrt(x * x + y * y + z * z);
    areas[f] = length / 2;
    const scale = length > 0 ? 1 / length : 0;
    units[3 * f] = x * scale;
    units[3 * f + 1] = y * scale;
    units[3 * f + 2] = z * scale;
  }
  return { units, areas };
}
