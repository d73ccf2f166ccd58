import sharp from 'sharp';
import type { Picture } from '../picture.ts';
import type { Texture } from '../texture.ts';

/** A texture as a file. */
export type EncodedTexture = { bytes: Uint8Array<ArrayBuffer>; mediaType: 'image/jpeg' };

const jpegQuality = 90;

/** A texture as JPEG, which every viewer of glTF and OBJ opens; full colour resolution, for there are hard colour edges. */
export async function encodeTexture({ size, pixels }: Texture): Promise<EncodedTexture> {
  const bytes = await sharp(pixels, { raw: { width: size, height: size, channels: 3 } })
    .jpeg({ quality: jpegQuality, chromaSubsampling: '4:4:4' })
    .toBuffer();
  return { bytes: new Uint8Array(bytes), mediaType: 'image/jpeg' };
}

/** A picture as a PNG file, with its alpha or without. */
export async function encodePng({ width, height, data }: Picture, alpha: 'alpha' | 'opaque'): Promise<Uint8Array> {
  const image = sharp(data, { raw: { width, height, channels: 4 } });
  return new Uint8Array(await (alpha === 'alpha' ? image : image.removeAlpha()).png().toBuffer());
}
