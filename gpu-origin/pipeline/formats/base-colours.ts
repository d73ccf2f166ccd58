import type { Material, Primitive, Texture } from '@gltf-transform/core';
import sharp from 'sharp';

/** Pixels of a texture that are decoded. */
const texturePixelsMax = 8192 * 8192;

type Texels = { width: number; height: number; data: Uint8Array };

/**
 * Reads the base colours of glTF primitives (glTF 2.0 §3.9.2): the product of factor, vertex colour and texture, red,
 * green, blue of each vertex in linear light; null for plain white. Textures are decoded once.
 */
export function baseColours() {
  const decoded = new Map<Texture, Promise<Texels>>();
  return async (primitive: Primitive, material: Material | null): Promise<Float32Array | null> => {
    const count = primitive.getAttribute('POSITION')?.getCount() ?? 0;
    const factor = material?.getBaseColorFactor() ?? [1, 1, 1, 1];
    const colours = primitive.getAttribute('COLOR_0');
    const texture = material?.getBaseColorTexture() ?? null;
    const set = material?.getBaseColorTextureInfo()?.getTexCoord() ?? 0;
    const uvs = texture && primitive.getAttribute(`TEXCOORD_${set}`);
    if (!colours && !uvs && factor.slice(0, 3).every((value) => value === 1)) return null;
    const out = new Float32Array(3 * count);
    const element: number[] = [];
    for (let i = 0; i < count; i++) {
      const own = colours?.getElement(i, element);
      for (let c = 0; c < 3; c++) out[3 * i + c] = (factor[c] as number) * (own?.[c] ?? 1);
    }
    if (texture === null || !uvs) return out;
    const image = texture.getImage();
    if (image === null) throw new Error('a texture has no picture');
    const texels = decoded.get(texture) ?? decode(image);
    decoded.set(texture, texels);
    multiply(out, await texels, (i) => uvs.getElement(i, element));
    return out;
  };
}

async function decode(image: Uint8Array): Promise<Texels> {
  const { data, info } = await sharp(image, { limitInputPixels: texturePixelsMax })
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

/** Multiplies colours by a texture's bilinear samples, repeated beyond its edges as is glTF's default (§5.26). */
function multiply(out: Float32Array, { width, height, data }: Texels, uvOf: (vertex: number) => number[]): void {
  for (let i = 0; i < out.length / 3; i++) {
    const [u = 0, v = 0] = uvOf(i);
    const x = (u - Math.floor(u)) * width - 0.5;
    const y = (v - Math.floor(v)) * height - 0.5;
    const left = Math.floor(x);
    const top = Math.floor(y);
    for (let c = 0; c < 3; c++) {
      const at = (column: number, row: number) =>
        linearOf(data[3 * (((row + height) % height) * width + ((column + width) % width)) + c] as number);
      const upper = at(left, top) + (x - left) * (at(left + 1, top) - at(left, top));
      const lower = at(left, top + 1) + (x - left) * (at(left + 1, top + 1) - at(left, top + 1));
      out[3 * i + c] = (out[3 * i + c] as number) * (upper + (y - top) * (lower - upper));
    }
  }
}

function linearOf(byte: number): number {
  const value = byte / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}
