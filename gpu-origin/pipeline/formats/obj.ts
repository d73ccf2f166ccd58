import { zipSync, type Zippable } from 'fflate';
import type { Mesh } from '../../mesh/mesh.ts';
import type { EncodedTexture } from './image.ts';

/** The date of every file in the archive: the earliest that zip can hold, so that equal meshes give equal bytes. */
const fixedDate = new Date(1980, 0, 1);

/**
 * A zip of mesh.obj, mesh.mtl and, for a textured mesh, mesh.jpg; millimetres, +Y up. Vertex colours follow the
 * positions as three more numbers, which most readers understand.
 */
export function encodeObj(mesh: Mesh, texture: EncodedTexture | null): Uint8Array {
  const files: Zippable = {
    'mesh.obj': new TextEncoder().encode(objText(mesh)),
    'mesh.mtl': new TextEncoder().encode(mtlText(texture !== null)),
  };
  if (texture !== null) files['mesh.jpg'] = [texture.bytes, { level: 0 }];
  return zipSync(files, { level: 6, mtime: fixedDate });
}

function objText(mesh: Mesh): string {
  const { positions, normals, uvs, colors, indices } = mesh;
  const lines = ['# Meshkiln, millimetres, +Y up', 'mtllib mesh.mtl', 'o object'];
  const millimetres = (i: number) => (1000 * (positions[i] as number)).toFixed(5);
  for (let v = 0; v < positions.length / 3; v++) {
    const colour =
      colors === null ? '' : [0, 1, 2].map((k) => ` ${((colors[3 * v + k] as number) / 255).toFixed(4)}`).join('');
    lines.push(`v ${millimetres(3 * v)} ${millimetres(3 * v + 1)} ${millimetres(3 * v + 2)}${colour}`);
  }
  if (uvs !== null) {
    for (let v = 0; v < uvs.length; v += 2) {
      // OBJ counts v upwards from the bottom.
      lines.push(`vt ${(uvs[v] as number).toFixed(6)} ${(1 - (uvs[v + 1] as number)).toFixed(6)}`);
    }
  }
  for (let v = 0; v < normals.length; v += 3) {
    lines.push(`vn ${[0, 1, 2].map((k) => (normals[v + k] as number).toFixed(4)).join(' ')}`);
  }
  lines.push('usemtl object');
  const corner = (vertex: number) => `${vertex + 1}/${uvs === null ? '' : vertex + 1}/${vertex + 1}`;
  for (let i = 0; i < indices.length; i += 3) {
    lines.push(`f ${[0, 1, 2].map((k) => corner(indices[i + k] as number)).join(' ')}`);
  }
  return `${lines.join('\n')}\n`;
}

function mtlText(textured: boolean): string {
  const lines = ['newmtl object', 'Ka 1 1 1', 'Kd 1 1 1', 'Ks 0.04 0.04 0.04', 'Ns 30', 'illum 2'];
  if (textured) lines.push('map_Kd mesh.jpg');
  return `${lines.join('\n')}\n`;
}
