import { Problem } from '../../contract/problem.ts';
import type { MeshParams } from '../../contract/key.ts';
import type { Picture } from './picture.ts';

/** Alpha from 0 to 1 for each pixel of a picture. */
export type Matte = { width: number; height: number; alpha: Float32Array };

/** Share of see-through pixels from which a picture counts as one that brings its own matte. */
const transparentShareMin = 0.005;
/** Shares of the picture that an object may fill in a predicted matte. */
const objectShareMin = 0.002;
const objectShareMax = 0.97;
/** A predicted matte that is mostly undecided, at this share of the object's own area, has found nothing. */
const undecidedShareMax = 0.6;

/** Whether any pixels of the picture are see-through. */
function hasTransparency(picture: Picture): boolean {
  const { data } = picture;
  let clear = 0;
  for (let i = 3; i < data.length; i += 4) if ((data[i] as number) < 128) clear++;
  return clear >= transparentShareMin * (data.length / 4);
}

/**
 * Where the matte comes from: the picture's own alpha, or a matting model (`remove_background: true`, or `auto` and an
 * opaque picture). Throws `unprocessable_image` for an opaque picture whose background may not be removed: all of it
 * would be the object.
 */
export function matteSource(picture: Picture, removeBackground: MeshParams['remove_background']): 'alpha' | 'model' {
  if (removeBackground === true) return 'model';
  if (hasTransparency(picture)) return 'alpha';
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
