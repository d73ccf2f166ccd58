import { Document, Logger, NodeIO } from '@gltf-transform/core';
import { EXTMeshoptCompression, KHRDracoMeshCompression, KHRMeshQuantization } from '@gltf-transform/extensions';
import { draco, meshopt, quantize, reorder } from '@gltf-transform/functions';
import draco3d from 'draco3dgltf';
import { MeshoptEncoder } from 'meshoptimizer';
import type { MeshParams } from '../../../contract/key.ts';
import type { Mesh } from '../../mesh/mesh.ts';
import type { EncodedTexture } from './image.ts';

type Compression = NonNullable<MeshParams['compression']>;

const roughness = 0.7;

/** A binary glTF 2.0 file of one mesh with one metallic-roughness material; metres, +Y up, facing +Z. */
export async function encodeGlb(
  mesh: Mesh,
  texture: EncodedTexture | null,
  compression: Compression,
): Promise<Uint8Array> {
  const document = buildDocument(mesh, texture);
  const io = new NodeIO().setLogger(document.getLogger());
  if (compression === 'quantize') {
    await document.transform(quantize());
    io.registerExtensions([KHRMeshQuantization]);
  }
  if (compression === 'meshopt') {
    await MeshoptEncoder.ready;
    // The filters of `medium` round normals and positions to what `quantize` keeps.
    await document.transform(
      reorder({ encoder: MeshoptEncoder }),
      meshopt({ encoder: MeshoptEncoder, level: 'medium' }),
    );
    io.registerExtensions([KHRMeshQuantization, EXTMeshoptCompression]).registerDependencies({
      'meshopt.encoder': MeshoptEncoder,
    });
  }
  if (compression === 'draco') {
    await document.transform(draco());
    io.registerExtensions([KHRDracoMeshCompression]).registerDependencies({
      'draco3d.encoder': await draco3d.createEncoderModule(),
    });
  }
  return io.writeBinary(document);
}

function buildDocument(mesh: Mesh, texture: EncodedTexture | null): Document {
  const document = new Document().setLogger(new Logger(Logger.Verbosity.WARN));
  document.getRoot().getAsset().generator = 'Meshkiln';
  const buffer = document.createBuffer();
  const accessor = (type: 'SCALAR' | 'VEC2' | 'VEC3', array: Float32Array | Uint16Array | Uint32Array) =>
    document
      .createAccessor()
      .setType(type)
      .setArray(array as Float32Array<ArrayBuffer>)
      .setBuffer(buffer);
  const vertices = mesh.positions.length / 3;
  const material = document.createMaterial('object').setMetallicFactor(0).setRoughnessFactor(roughness);
  const primitive = document
    .createPrimitive()
    .setIndices(accessor('SCALAR', vertices <= 0xffff ? Uint16Array.from(mesh.indices) : mesh.indices))
    .setAttribute('POSITION', accessor('VEC3', mesh.positions))
    .setAttribute('NORMAL', accessor('VEC3', mesh.normals))
    .setMaterial(material);
  if (mesh.uvs !== null && texture !== null) {
    primitive.setAttribute('TEXCOORD_0', accessor('VEC2', mesh.uvs));
    material.setBaseColorTexture(
      document.createTexture('colour').setImage(texture.bytes).setMimeType(texture.mediaType),
    );
  }
  if (mesh.colors !== null) {
    primitive.setAttribute('COLOR_0', accessor('VEC3', linearColours(mesh.colors)).setNormalized(true));
  }
  const node = document.createNode('object').setMesh(document.createMesh('object').addPrimitive(primitive));
  document.createScene().addChild(node);
  return document;
}

/** glTF 2.0 §3.9.2 multiplies vertex colours in linear light; 16 bits keep the dark tones apart. */
function linearColours(colors: Uint8Array): Uint16Array {
  return Uint16Array.from(colors, (byte) => {
    const value = byte / 255;
    return Math.round(0xffff * (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  });
}
