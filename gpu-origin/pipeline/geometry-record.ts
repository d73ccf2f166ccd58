import { MeshoptDecoder, MeshoptEncoder } from 'meshoptimizer';
import sharp from 'sharp';
import { z } from 'zod';
import { Provider } from '../../contract/mesh.ts';
import type { Surface } from '../mesh/surface.ts';
import type { Picture } from './picture.ts';
import type { Geometry } from './geometry.ts';

/** A geometry and where its model ran. */
export type GeometryRecord = { geometry: Geometry; provider: Provider };

/** Sections follow the header in this order; a length of zero stands for null. */
const sections = ['positions', 'indices', 'normals', 'sides', 'colors', 'canvas'] as const;

const Header = z.strictObject({
  meshkilnGeometry: z.literal(1),
  provider: Provider,
  cameraDistance: z.number().nullable(),
  vertices: z.number().int().positive(),
  indices: z.number().int().positive(),
  canvas: z.strictObject({ width: z.number().int().positive(), height: z.number().int().positive() }).nullable(),
  lengths: z.record(z.enum(sections), z.number().int().nonnegative()),
});

/**
 * A geometry as bytes, for the geometry store: a header as JSON with its length before it, then the surface in meshopt's
 * lossless codecs and the canvas as PNG. Reading it back gives equal numbers, so a reused geometry gives equal files.
 */
export async function writeRecord({ geometry, provider }: GeometryRecord): Promise<Uint8Array> {
  await MeshoptEncoder.ready;
  const { surface, canvas, cameraDistance } = geometry;
  const { positions, indices, normals, sides, colors } = surface;
  const vertices = positions.length / 3;
  const parts: Record<(typeof sections)[number], Uint8Array> = {
    positions: MeshoptEncoder.encodeVertexBuffer(bytesOf(positions), vertices, 12),
    indices: MeshoptEncoder.encodeIndexSequence(bytesOf(indices), indices.length, 4),
    normals: MeshoptEncoder.encodeVertexBuffer(bytesOf(normals), vertices, 12),
    sides: sides === null ? new Uint8Array() : MeshoptEncoder.encodeVertexBuffer(padded(sides, 1), vertices, 4),
    colors: colors === null ? new Uint8Array() : MeshoptEncoder.encodeVertexBuffer(padded(colors, 3), vertices, 4),
    canvas: canvas === null ? new Uint8Array() : await png(canvas),
  };
  const header: z.infer<typeof Header> = {
    meshkilnGeometry: 1,
    provider,
    cameraDistance,
    vertices,
    indices: indices.length,
    canvas: canvas && { width: canvas.width, height: canvas.height },
    lengths: Object.fromEntries(sections.map((name) => [name, parts[name].length])) as Record<
      (typeof sections)[number],
      number
    >,
  };
  return joined(
    header,
    sections.map((name) => parts[name]),
  );
}

/** The geometry in a record; throws when the bytes are not one of this version. */
export async function readRecord(bytes: Uint8Array): Promise<GeometryRecord> {
  await MeshoptDecoder.ready;
  const headerBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = Header.parse(JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + headerBytes))));
  let at = 4 + headerBytes;
  const parts = new Map<string, Uint8Array>();
  for (const name of sections) {
    const length = header.lengths[name];
    parts.set(name, bytes.subarray(at, at + length));
    at += length;
  }
  if (at !== bytes.length) throw new Error(`geometry record has ${bytes.length} bytes, not the ${at} of its header`);
  const part = (name: (typeof sections)[number]) => parts.get(name) as Uint8Array;
  const vertexBytes = (name: (typeof sections)[number], width: number) => {
    const out = new Uint8Array(header.vertices * width);
    MeshoptDecoder.decodeVertexBuffer(out, header.vertices, width, part(name));
    return out;
  };
  const indices = new Uint8Array(header.indices * 4);
  MeshoptDecoder.decodeIndexSequence(indices, header.indices, 4, part('indices'));
  const surface: Surface = {
    positions: new Float32Array(vertexBytes('positions', 12).buffer),
    indices: new Uint32Array(indices.buffer),
    normals: new Float32Array(vertexBytes('normals', 12).buffer),
    sides: part('sides').length === 0 ? null : unpadded(vertexBytes('sides', 4), 1),
    colors: part('colors').length === 0 ? null : unpadded(vertexBytes('colors', 4), 3),
  };
  const canvas = header.canvas && { ...header.canvas, data: await pixels(part('canvas')) };
  return { geometry: { surface, canvas, cameraDistance: header.cameraDistance }, provider: header.provider };
}

function png({ width, height, data }: Picture): Promise<Uint8Array> {
  return sharp(data, { raw: { width, height, channels: 4 } })
    .png({ compressionLevel: 6 })
    .toBuffer();
}

async function pixels(file: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await sharp(file).ensureAlpha().raw().toBuffer());
}

function joined(header: z.infer<typeof Header>, parts: Uint8Array[]): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(4 + text.length + parts.reduce((sum, part) => sum + part.length, 0));
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  let at = 4 + text.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function bytesOf(array: Float32Array | Uint32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** The codec wants four bytes a vertex. */
function padded(values: Uint8Array, width: number): Uint8Array {
  const out = new Uint8Array((values.length / width) * 4);
  for (let i = 0; i < values.length; i++) out[Math.floor(i / width) * 4 + (i % width)] = values[i] as number;
  return out;
}

function unpadded(values: Uint8Array, width: number): Uint8Array {
  const out = new Uint8Array((values.length / 4) * width);
  for (let i = 0; i < out.length; i++) out[i] = values[Math.floor(i / width) * 4 + (i % width)] as number;
  return out;
}
