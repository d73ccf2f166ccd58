import type { Mesh } from '../../mesh/mesh.ts';

/** A binary little-endian PLY file in millimetres, +Y up, with normals and, where the mesh has them, vertex colours. */
export function encodePly(mesh: Mesh): Uint8Array {
  const vertices = mesh.positions.length / 3;
  const faces = mesh.indices.length / 3;
  const header = new TextEncoder().encode(headerText(vertices, faces, mesh.colors !== null));
  const vertexBytes = 24 + (mesh.colors === null ? 0 : 3);
  const faceBytes = 13;
  const bytes = new Uint8Array(header.length + vertices * vertexBytes + faces * faceBytes);
  bytes.set(header);
  const view = new DataView(bytes.buffer);
  for (let v = 0; v < vertices; v++) {
    const at = header.length + v * vertexBytes;
    for (let k = 0; k < 3; k++) {
      view.setFloat32(at + 4 * k, 1000 * (mesh.positions[3 * v + k] as number), true);
      view.setFloat32(at + 12 + 4 * k, mesh.normals[3 * v + k] as number, true);
    }
    if (mesh.colors !== null) bytes.set(mesh.colors.subarray(3 * v, 3 * v + 3), at + 24);
  }
  for (let f = 0; f < faces; f++) {
    const at = header.length + vertices * vertexBytes + f * faceBytes;
    view.setUint8(at, 3);
    for (let k = 0; k < 3; k++) view.setInt32(at + 1 + 4 * k, mesh.indices[3 * f + k] as number, true);
  }
  return bytes;
}

function headerText(vertices: number, faces: number, coloured: boolean): string {
  const lines = [
    'ply',
    'format binary_little_endian 1.0',
    'comment Meshkiln, millimetres, +Y up',
    `element vertex ${vertices}`,
    ...['x', 'y', 'z', 'nx', 'ny', 'nz'].map((name) => `property float ${name}`),
    ...(coloured ? ['red', 'green', 'blue'].map((name) => `property uchar ${name}`) : []),
    `element face ${faces}`,
    'property list uchar int vertex_indices',
    'end_header',
  ];
  return `${lines.join('\n')}\n`;
}
