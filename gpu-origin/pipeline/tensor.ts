import { inflation } from '../mesh/inflation.ts';
import { resample, type Region } from '../mesh/resample.ts';
import { alphaPlane, premultiply } from './canvas.ts';
import { ModelFault } from './model-fault.ts';
import type { Picture } from './picture.ts';
import type { Preprocessing } from './preprocessing.ts';
import { solidColours } from './solid-colours.ts';

/** A dense array of numbers with its dimensions, outermost first. */
export type Tensor = { data: Float32Array; dims: number[] };

/** The input `image` [1,C,S,S] of a model: the canvas at the model's size, channel by channel as its manifest says. */
export function imageTensor(canvas: Picture, { size, channels, premultiplied, background }: Preprocessing): Tensor {
  const { data } = resample(
    { data: premultiply(canvas), width: canvas.width, height: canvas.height, channels: 4 },
    { x: 0, y: 0, width: canvas.width, height: canvas.height },
    { width: size, height: size },
    { filter: 'area', beyond: 'zero' },
  );
  const plane = size * size;
  const tensor = new Float32Array(channels.length * plane);
  const alpha = alphaPlane(canvas, size, 'area');
  for (const [index, channel] of channels.entries()) {
    const into = tensor.subarray(index * plane, (index + 1) * plane);
    if (channel === 'alpha') into.set(alpha);
    else if (channel === 'inflation') into.set(inflation(alpha, size, 'pixels'));
    else fillColour(into, data, ['red', 'green', 'blue'].indexOf(channel), { premultiplied, background });
  }
  return { data: tensor, dims: [1, channels.length, size, size] };
}

/** The input of a matting model: the whole picture in the middle of a square, whose rest continues its border. */
export function mattingTensor({ picture, size }: { picture: Picture; size: number }): Tensor {
  const { data } = resample(
    solidColours(picture),
    squareAround(picture),
    { width: size, height: size },
    { filter: 'area', beyond: 'clamp' },
  );
  const tensor = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) tensor[(i % 3) * size * size + Math.floor(i / 3)] = data[i] as number;
  return { data: tensor, dims: [1, 3, size, size] };
}

/** The least square around a picture, in its pixels. */
export function squareAround({ width, height }: { width: number; height: number }): Region {
  const side = Math.max(width, height);
  return { x: (width - side) / 2, y: (height - side) / 2, width: side, height: side };
}

function fillColour(
  into: Float32Array,
  premultipliedColours: Float32Array,
  channel: number,
  { premultiplied, background }: Pick<Preprocessing, 'premultiplied' | 'background'>,
): void {
  for (let i = 0; i < into.length; i++) {
    const colour = premultipliedColours[4 * i + channel] as number;
    const alpha = premultipliedColours[4 * i + 3] as number;
    if (background !== undefined) into[i] = colour + background * (1 - alpha);
    else if (premultiplied === true) into[i] = colour;
    else into[i] = alpha > 0 ? colour / alpha : 0;
  }
}

/** An output that a run must have given: its dimensions, and the least and the greatest value that make sense. */
type ExpectedOutput = { model: string; name: string; dims: readonly number[]; range?: readonly [number, number] };

/** The named output of a run. Throws a ModelFault when it is not there, of another size, or holds what is no such value. */
export function output(
  outputs: Record<string, Tensor>,
  { model, name, dims, range: [least, most] = [-Infinity, Infinity] }: ExpectedOutput,
): Float32Array {
  const tensor = outputs[name];
  if (tensor === undefined) throw new ModelFault(model, `its graph has no output "${name}"`);
  if (tensor.dims.join() !== dims.join()) {
    throw new ModelFault(model, `its output "${name}" is ${tensor.dims.join('×')}, not ${dims.join('×')}`);
  }
  for (const value of tensor.data) {
    if (!Number.isFinite(value)) throw new ModelFault(model, `its output "${name}" holds ${value}`);
    if (value < least || value > most) {
      throw new ModelFault(model, `its output "${name}" holds ${value}, which is not from ${least} to ${most}`);
    }
  }
  return tensor.data;
}
