import type { Mesh } from '../../mesh/mesh.ts';

const headerBytes = 80;
const faceBytes = 50;

/** A binary STL file in millimetres, with glTF's axes (+Y up). */
export function encodeStl(mesh: Mesh): Uint8Array {
  const faces = mesh.indices.length / 3;
  const bytes = new Uint8Array(headerBytes + 4 + faces * faceBytes);
  // Some readers take a file that begins with "solid" for text.
  bytes.set(new TextEncoder().encode('Meshkiln, millimetres, +Y up'));
  const view = new DataView(bytes.buffer);
  view.setUint32(headerBytes, faces, true);
  const corners = new Float64Array(9);
  for (let f = 0; f < faces; f++) {
    for (let k = 0; k < 9; k++) {
      const vertex = mesh.indices[3 * f + Math.floor(k / 3)] as number;
      corners[k] = 1000 * (mesh.positions[3 * vertex + (k % 3)] as number);
    }
    const at = headerBytes + 4 + f * faceBytes;
    for (const [k, value] of faceNormal(corners).entries()) view.setFloat32(at + 4 * k, value, true);
    for (let k = 0; k < 9; k++) view.setFloat32(at + 12 + 4 * k, corners[k] as number, true);
  }
  return bytes;
}

function faceNormal(corners: Float64Array): [number, number, number] {
  const [ax, ay, az, bx, by, bz, cx, cy, cz] = corners as unknown as Tuple9;
  const [ux, uy, uz, vx, vy, vz] = [bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az];
  const normal: [number, number, number] = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
  const length = Math.hypot(...normal);
  return length > 0 ? [normal[0] / length, normal[1] / length, normal[2] / length] : [0, 0, 0];
}

type Tuple9 = [number, number, number, number, number, number, number, number, number];
