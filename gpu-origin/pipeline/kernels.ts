import type { MeshParams } from '../../contract/key.ts';
import { simplifySurface } from '../mesh/simplify.ts';
import { cutOut } from './canvas.ts';
import { decode } from './decode.ts';
import { encode } from './encode.ts';
import { encodePng } from './formats/image.ts';
import { readGlb } from './formats/read-glb.ts';
import { surfaceFromField } from './field-surface.ts';
import type { Geometry } from './geometry.ts';
import { readRecord, writeRecord } from './geometry-record.ts';
import { imageTensor, mattingTensor, type Tensor } from './tensor.ts';
import { alphaMatte } from './matte.ts';
import { refineMatte } from './refine-matte.ts';
import { surfaceFromSheets } from './sheets.ts';
import { paint, type PaintedMesh } from './texture.ts';
import type { Picture } from './picture.ts';
import type { Preprocessing } from './preprocessing.ts';
import { thumbnail } from './thumbnail.ts';

/** The stages that compute on the CPU, by name; pure, so that they can run in any thread. */
export const kernels = {
  decode,
  mattingTensor,
  prepare,
  serverPicture,
  readGlb,
  surfaceFromSheets,
  surfaceFromField,
  writeRecord,
  readRecord,
  finish,
  encode,
  thumbnail,
};

/** A picture whose object is to be put on the canvas. */
export type PictureToCut = {
  picture: Picture;
  /** The matting model's answer; null to take the picture's own alpha. */
  prediction: Tensor | null;
  foregroundRatio: number;
};

/** The canvas that the object is put on, and the model's input made from it. */
function prepare({ preprocessing, ...cut }: PictureToCut & { preprocessing: Preprocessing }): {
  canvas: Picture;
  tensor: Tensor;
} {
  const canvas = canvasOf(cut);
  return { canvas, tensor: imageTensor(canvas, preprocessing) };
}

/** The PNG file that a server gets: the canvas, or (`cut` null) the whole picture as it looks without its alpha. */
function serverPicture({
  picture,
  cut,
}: {
  picture: Picture;
  cut: Omit<PictureToCut, 'picture'> | null;
}): Promise<Uint8Array> {
  return cut === null ? encodePng(picture, 'opaque') : encodePng(canvasOf({ picture, ...cut }), 'alpha');
}

function canvasOf({ picture, prediction, foregroundRatio }: PictureToCut): Picture {
  const matte = prediction === null ? alphaMatte(picture) : refineMatte(picture, prediction);
  return cutOut(picture, matte, foregroundRatio);
}

/** The surface with the number of faces, the size and the colours that a request asks for. */
async function finish({ geometry, params }: { geometry: Geometry; params: MeshParams }): Promise<PaintedMesh> {
  const { canvas, cameraDistance } = geometry;
  const surface =
    params.target_face_count === null
      ? geometry.surface
      : await simplifySurface(geometry.surface, { faces: params.target_face_count, errorMax: targetErrorMax });
  return paint(surface, canvas, { params, cameraDistance });
}

/** Distance that the surface may move to reach a face count, as a share of its size. */
const targetErrorMax = 0.05;
