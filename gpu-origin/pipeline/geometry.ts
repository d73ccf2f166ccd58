import type { Surface } from '../mesh/surface.ts';
import type { Picture } from './picture.ts';

/** What a mesh is finished from, once the models have run. */
export type Geometry = {
  surface: Surface;
  /** The picture to lay on the surface; null when the model gave the colours. */
  canvas: Picture | null;
  /** Distance of the camera that took the canvas, in canvas units; null when its rays are parallel. */
  cameraDistance: number | null;
};
