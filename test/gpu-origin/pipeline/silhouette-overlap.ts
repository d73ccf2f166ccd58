import { rasterize } from '../../../gpu-origin/mesh/raster.ts';
import type { Geometry } from '../../../gpu-origin/pipeline/geometry.ts';

/** Intersection over union of a surface, as the picture's camera sees it, with the picture's matte. */
export function silhouetteOverlap({ surface, canvas, cameraDistance }: Geometry): number {
  if (canvas === null) throw new Error('a surface that was not made from a picture has no silhouette to compare');
  const size = canvas.width;
  const points = new Float32Array(surface.positions.length);
  for (let i = 0; i < points.length; i += 3) {
    const z = surface.positions[i + 2] as number;
    const scale = (size / 2) * (cameraDistance === null ? 1 : cameraDistance / (cameraDistance - z));
    points[i] = size / 2 + scale * (surface.positions[i] as number);
    points[i + 1] = size / 2 - scale * (surface.positions[i + 1] as number);
    points[i + 2] = -z;
  }
  const seen = rasterize(points, surface.indices, { width: size, height: size });
  let both = 0;
  let either = 0;
  for (let i = 0; i < size * size; i++) {
    const inMatte = (canvas.data[4 * i + 3] as number) >= 128;
    const inMesh = (seen.faces[i] as number) >= 0;
    if (inMatte && inMesh) both++;
    if (inMatte || inMesh) either++;
  }
  return both / either;
}
