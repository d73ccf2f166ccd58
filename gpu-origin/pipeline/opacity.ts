import { Problem } from '../../contract/problem.ts';
import type { Picture } from './picture.ts';

/** Alpha that the most solid pixel must have, of 255; below it, colours and edges are too coarse to be made out. */
const alphaMin = 26;

/**
 * A picture whose most solid pixel is opaque: a layer that was exported faint is brought to its full opacity, in place.
 * Throws `unprocessable_image` when it is too faint for that; a picture that is clear all over is left as it is.
 */
export function atFullOpacity(picture: Picture): Picture {
  const { data } = picture;
  let most = 0;
  for (let i = 3; i < data.length; i += 4) most = Math.max(most, data[i] as number);
  if (most === 255 || most === 0) return picture;
  if (most < alphaMin) {
    throw new Problem(
      'unprocessable_image',
      `Nothing in the picture has an opacity of more than ${Math.ceil((100 * most) / 255)}%. Send it at full opacity.`,
      { param: 'image' },
    );
  }
  for (let i = 3; i < data.length; i += 4) data[i] = Math.round((255 * (data[i] as number)) / most);
  return picture;
}
