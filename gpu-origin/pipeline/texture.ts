import type { MeshParams } from '../../contract/key.ts';
import type { Mesh } from '../mesh/mesh.ts';
import { side, type Surface } from '../mesh/surface.ts';
import type { Raster } from '../mesh/resample.ts';
import { drawAtlas, layOut, textureCoordinates } from './atlas.ts';
import { sideColours, type SideColours } from './colours.ts';
import type { Picture } from './picture.ts';

/** A square picture of `size`² red, green, blue bytes. */
export type Texture = { size: number; pixels: Uint8Array };

export type PaintedMesh = { mesh: Mesh; texture: Texture | null };

/** Texture size of a request that does not name one. */
const textureSizeDefault = 1024;

type PaintOptions = {
  params: Pick<MeshParams, 'texture' | 'texture_resolution' | 'largest_dimension_mm'>;
  /** As in Sheets: what the surface's points were moved by. */
  cameraDistance: number | null;
};

/**
 * Gives a surface its size and its colours: a texture from the canvas when one is asked for and the surface came from the
 * picture, else a colour for each vertex.
 */
export function paint(surface: Surface, canvas: Picture | null, { params, cameraDistance }: PaintOptions): PaintedMesh {
  const bare: Mesh = {
    positions: sized(surface.positions, params.largest_dimension_mm / 1000),
    indices: surface.indices,
    normals: surface.normals,
    uvs: null,
    colors: surface.colors,
  };
  if (surface.sides === null || canvas === null) return { mesh: bare, texture: null };
  const points = canvasPoints(surface.positions, cameraDistance);
  const colours = sideColours(canvas);
  if (params.texture !== true) {
    return { mesh: { ...bare, colors: vertexColours(points, surface.sides, colours) }, texture: null };
  }
  return textured(bare, {
    points,
    sides: surface.sides,
    colours,
    size: params.texture_resolution ?? textureSizeDefault,
  });
}

/** The positions in metres: longest side of the box as asked, standing on y = 0, centred in x and z. */
function sized(positions: Float32Array, largestMetres: number): Float32Array {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (let i = 0; i < positions.length; i++) {
    low[i % 3] = Math.min(low[i % 3] as number, positions[i] as number);
    high[i % 3] = Math.max(high[i % 3] as number, positions[i] as number);
  }
  const [x0, y0, z0] = low as [number, number, number];
  const [x1, y1, z1] = high as [number, number, number];
  const scale = largestMetres / Math.max(x1 - x0, y1 - y0, z1 - z0);
  const origin = [(x0 + x1) / 2, y0, (z0 + z1) / 2];
  return positions.map((value, i) => (value - (origin[i % 3] as number)) * scale);
}

/** Where the camera saw each vertex: x and y on the canvas, 0 to 2 from the top left corner. */
function canvasPoints(positions: Float32Array, cameraDistance: number | null): Float32Array {
  const points = new Float32Array((positions.length / 3) * 2);
  for (let v = 0; v < points.length / 2; v++) {
    const z = positions[3 * v + 2] as number;
    const scale = cameraDistance === null ? 1 : cameraDistance / (cameraDistance - z);
    points[2 * v] = (positions[3 * v] as number) * scale + 1;
    points[2 * v + 1] = 1 - (positions[3 * v + 1] as number) * scale;
  }
  return points;
}

type Paint = { points: Float32Array; sides: Uint8Array; colours: SideColours; size: number };

function textured(bare: Mesh, { points, sides, colours, size }: Paint): PaintedMesh {
  const box = { left: 2, top: 2, right: 0, bottom: 0 };
  for (let v = 0; v < sides.length; v++) {
    box.left = Math.min(box.left, points[2 * v] as number);
    box.right = Math.max(box.right, points[2 * v] as number);
    box.top = Math.min(box.top, points[2 * v + 1] as number);
    box.bottom = Math.max(box.bottom, points[2 * v + 1] as number);
  }
  const used = { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top };
  const atlas = layOut(used, size);
  const uvs = new Float32Array(points.length);
  for (let v = 0; v < sides.length; v++) {
    const chart = sides[v] === side.back ? atlas.back : atlas.front;
    uvs.set(textureCoordinates(chart, size, points[2 * v] as number, points[2 * v + 1] as number), 2 * v);
  }
  return { mesh: { ...bare, uvs }, texture: { size, pixels: drawAtlas(atlas, colours) } };
}

function vertexColours(points: Float32Array, sides: Uint8Array, colours: SideColours): Uint8Array {
  const out = new Uint8Array(sides.length * 3);
  for (let v = 0; v < sides.length; v++) {
    const raster = sides[v] === side.back ? colours.back : colours.front;
    sample(
      raster,
      ((points[2 * v] as number) / 2) * raster.width,
      ((points[2 * v + 1] as number) / 2) * raster.height,
      out,
      3 * v,
    );
  }
  return out;
}

/** Bilinear sample at a point in pixels, as bytes. */
function sample(raster: Raster, x: number, y: number, out: Uint8Array, to: number): void {
  const u = Math.min(Math.max(x - 0.5, 0), raster.width - 1);
  const v = Math.min(Math.max(y - 0.5, 0), raster.height - 1);
  const i = Math.min(Math.floor(u), raster.width - 2);
  const j = Math.min(Math.floor(v), raster.height - 2);
  for (let c = 0; c < 3; c++) {
    const at = (dx: number, dy: number) => raster.data[((j + dy) * raster.width + i + dx) * 3 + c] as number;
    const upper = at(0, 0) + (u - i) * (at(1, 0) - at(0, 0));
    const lower = at(0, 1) + (u - i) * (at(1, 1) - at(0, 1));
    out[to + c] = Math.round(255 * Math.min(Math.max(upper + (v - j) * (lower - upper), 0), 1));
  }
}
