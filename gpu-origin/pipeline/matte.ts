import { Problem } from '../../contract/problem.ts';
import type { MeshParams } from '../../contract/key.ts';
import type { Picture } from './picture.ts';

/** Alpha from 0 to 1 for each pixel of a picture. */
export type Matte = { width: number; height: number; alpha: Float32Array };

/** Share of see-through pixels from which a picture counts as one that brings its own matte. */
const transparentShareMin = 0.005;
/**
 * What is solid is a photograph with round corners or a clear frame, not an object, when it fills this share of its box,
 * and its box this share of the picture: corners rounded by a quarter of the side, a frame of a fifteenth.
 */
const rectangleShareMin = 0.94;
const boxShareMin = 0.75;
/** Shares of the picture that an object may fill in a predicted matte. */
const objectShareMin = 0.002;
const objectShareMax = 0.97;
/** A predicted matte that is mostly undecided, at this share of the object's own area, has found nothing. */
const undecidedShareMax = 0.6;

/** Of the picture's area, the share that is solid (at least half opaque), and that of the box around it. */
function solidShares({ width, height, data }: Picture): { solid: number; box: number } {
  let solid = 0;
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let i = 0; i < width * height; i++) {
    if ((data[4 * i + 3] as number) < 128) continue;
    solid++;
    const x = i % width;
    const y = (i - x) / width;
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = y;
  }
  const box = solid === 0 ? 0 : (right - left + 1) * (bottom - top + 1);
  return { solid: solid / (width * height), box: box / (width * height) };
}

/**
 * Where the matte comes from: the picture's own alpha, or a matting model (`remove_background: true`, or `auto` and a
 * picture that is opaque, or a whole photograph but for its corners or frame). Throws `unprocessable_image` for an opaque
 * picture whose background may not be removed: all of it would be the object.
 */
export function matteSource(picture: Picture, removeBackground: MeshParams['remove_background']): 'alpha' | 'model' {
  if (removeBackground === true) return 'model';
  const { solid, box } = solidShares(picture);
  const hasTransparency = 1 - solid >= transparentShareMin;
  const isFramed = box >= boxShareMin && solid >= rectangleShareMin * box;
  if (hasTransparency && !(removeBackground === 'auto' && isFramed)) return 'alpha';
  if (removeBackground === 'auto') return 'model';
  throw new Problem(
    'unprocessable_image',
    'The picture has no transparency, so that with "remove_background": false all of it would be the object. ' +
      'Leave remove_background at "auto", or send a picture with a transparent background.',
    { param: 'remove_background' },
  );
}

/** The picture's own alpha as a matte. */
export function alphaMatte(picture: Picture): Matte {
  const { width, height, data } = picture;
  const alpha = new Float32Array(width * height);
  for (let i = 0; i < alpha.length; i++) alpha[i] = (data[4 * i + 3] as number) / 255;
  return checked({ width, height, alpha }, 'The picture is transparent all over.');
}

/**
 * Refuses a predicted matte in which nothing stands out from the background, with the Problem
 * `unprocessable_image`, and returns any other.
 */
export function checkPrediction(matte: Matte): Matte {
  let object = 0;
  let undecided = 0;
  for (const value of matte.alpha) {
    if (value >= 0.5) object++;
    if (value > 0.1 && value < 0.9) undecided++;
  }
  const nothing = 'No object stands out from the background of the picture; send one with a transparent background.';
  const share = object / matte.alpha.length;
  if (share > objectShareMax || share < objectShareMin || undecided > undecidedShareMax * object) {
    throw new Problem('unprocessable_image', nothing, { param: 'image' });
  }
  return matte;
}

function checked(matte: Matte, message: string): Matte {
  if (!matte.alpha.some((value) => value >= 0.5)) throw new Problem('unprocessable_image', message, { param: 'image' });
  return matte;
}
