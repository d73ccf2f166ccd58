import sharp, { type Metadata, type OutputInfo } from 'sharp';
import { sha256 } from '../../contract/digest.ts';
import { Problem } from '../../contract/problem.ts';
import { imageLimits } from '../../contract/request.ts';
import type { Picture } from './picture.ts';

export type DecodedPicture = {
  picture: Picture;
  /** SHA-256 over width, height and pixels: equal for the same pixels in any file format. */
  pixelsSha256: string;
};

/** Longer side in pixels that the pipeline works with: the greatest texture; larger pictures are scaled down to it. */
const workingSideMax = 2048;

/** Names that libvips gives to the formats we take; AVIF comes as heif. */
const formats = ['png', 'jpeg', 'webp', 'heif', 'gif'];

/**
 * Reads PNG, JPEG, WebP, AVIF or the first frame of a GIF: upright by its EXIF orientation, in sRGB by its colour
 * profile. Throws the Problems `invalid_image` and, before any pixel is decoded, `image_too_many_pixels`.
 */
export async function decode(image: Uint8Array): Promise<DecodedPicture> {
  await checkHeader(image);
  const { data, info } = await pixels(image);
  const picture: Picture = { width: info.width, height: info.height, data: new Uint8Array(data) };
  return { picture, pixelsSha256: await digest(picture) };
}

async function checkHeader(image: Uint8Array): Promise<void> {
  let header: Metadata;
  try {
    header = await sharp(image, { limitInputPixels: false }).metadata();
  } catch (cause) {
    throw new Problem('invalid_image', 'The image is not a PNG, JPEG, WebP, AVIF or GIF file.', {
      param: 'image',
      cause,
    });
  }
  const supported = formats.includes(header.format) && (header.format !== 'heif' || header.compression === 'av1');
  if (!supported) {
    throw new Problem('invalid_image', `The image is ${header.format}; send PNG, JPEG, WebP, AVIF or GIF.`, {
      param: 'image',
    });
  }
  const height = header.pageHeight ?? header.height;
  // defence: API4-3
  if (header.width * height > imageLimits.pixelsMax) {
    throw new Problem(
      'image_too_many_pixels',
      `The image has ${header.width} × ${height} pixels; the most is ${imageLimits.pixelsMax / 1e6} megapixels.`,
      { param: 'image' },
    );
  }
}

async function pixels(image: Uint8Array): Promise<{ data: Buffer; info: OutputInfo }> {
  try {
    return await sharp(image, { failOn: 'truncated', limitInputPixels: imageLimits.pixelsMax })
      .autoOrient()
      .resize({ width: workingSideMax, height: workingSideMax, fit: 'inside', withoutEnlargement: true })
      .toColourspace('srgb')
      .ensureAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
  } catch (cause) {
    throw new Problem('invalid_image', 'The image is damaged or cut short.', { param: 'image', cause });
  }
}

function digest({ width, height, data }: Picture): Promise<string> {
  const text = new TextEncoder().encode(`${width}x${height}\n`);
  const bytes = new Uint8Array(text.length + data.length);
  bytes.set(text);
  bytes.set(data, text.length);
  return sha256(bytes);
}
