import sharp, { type OutputInfo, type SharpOptions } from 'sharp';
import { sha256 } from '../../contract/digest.ts';
import { readImageHeader, type ImageHeader } from '../../contract/image-header.ts';
import { Problem } from '../../contract/problem.ts';
import { imageLimits } from '../../contract/request.ts';
import { sayColours, toSrgb } from './coded-colours.ts';
import { endedJpegs } from './jpeg-end.ts';
import { atFullOpacity } from './opacity.ts';
import type { Picture } from './picture.ts';

export type DecodedPicture = {
  picture: Picture;
  /** SHA-256 over width, height and pixels: equal for the same pixels in any file format. */
  pixelsSha256: string;
};

/** Longer side in pixels that the pipeline works with: the greatest texture; larger pictures are scaled down to it. */
const workingSideMax = 2048;

/**
 * Reads PNG, JPEG, WebP, the first picture of an AVIF or the first frame of a GIF: upright by its EXIF orientation, in
 * sRGB by its colour profile or code points, at full opacity. Throws the Problems `invalid_image` and, before any pixel
 * is decoded, `image_too_many_pixels`; `unprocessable_image` where hardly anything can be seen.
 */
export async function decode(image: Uint8Array): Promise<DecodedPicture> {
  // defence: API4-3
  const header = readImageHeader(image);
  const { data, info } = await pixels(image, header);
  if (sayColours(header.colour)) toSrgb(data, header.colour);
  const picture = atFullOpacity({ width: info.width, height: info.height, data: new Uint8Array(data) });
  return { picture, pixelsSha256: await digest(picture) };
}

type Pixels = { data: Buffer; info: OutputInfo };

async function pixels(image: Uint8Array, header: ImageHeader): Promise<Pixels> {
  try {
    if (header.mediaType === 'image/avif') return await read(withBrand(image), header);
    return header.mediaType === 'image/jpeg' ? await jpegPixels(image, header) : await read(image, header);
  } catch (cause) {
    throw new Problem('invalid_image', 'The image is damaged or cut short.', { param: 'image', cause });
  }
}

function read(image: Uint8Array, { colour }: ImageHeader): Promise<Pixels> {
  // Code points come before a profile (PNG §4.3); libvips knows profiles alone.
  const options: SharpOptions = {
    failOn: 'truncated',
    limitInputPixels: imageLimits.pixelsMax,
    ignoreIcc: sayColours(colour),
  };
  return sharp(image, options)
    .autoOrient()
    .resize({ width: workingSideMax, height: workingSideMax, fit: 'inside', withoutEnlargement: true })
    .toColourspace('srgb')
    .ensureAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
}

/** A JPEG that lacks its end marker alone is whole; whether anything else is missing shows in its pixels. */
async function jpegPixels(image: Uint8Array, header: ImageHeader): Promise<Pixels> {
  try {
    return await read(image, header);
  } catch (error) {
    const ended = endedJpegs(image);
    if (ended === null) throw error;
    const [whole, padded] = [await read(ended.whole, header), await read(ended.padded, header)];
    if (!whole.data.equals(padded.data)) throw error;
    return whole;
  }
}

/** An AVIF as libvips takes it, with the still picture's brand first: a sequence has one too, its first frame. */
function withBrand(image: Uint8Array): Uint8Array {
  const still = image.slice();
  still.set(new TextEncoder().encode('avif'), 8);
  return still;
}

function digest({ width, height, data }: Picture): Promise<string> {
  const text = new TextEncoder().encode(`${width}x${height}\n`);
  const bytes = new Uint8Array(text.length + data.length);
  bytes.set(text);
  bytes.set(data, text.length);
  return sha256(bytes);
}
