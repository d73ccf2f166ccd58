import { z } from 'zod';

/** Triangles, vertices and pixels of textures in a file that are worked on; a server that makes more is to make fewer. */
const glbLimits = { facesMax: 4_000_000, verticesMax: 4_000_000, bytesMax: 1024 ** 3 } as const;

/** What is wrong with a file that can be read. */
export class Unusable extends Error {}

const Index = z.number().int().nonnegative();
const Primitive = z.object({
  attributes: z.record(z.string(), Index),
  indices: Index.optional(),
  mode: z.number().int().optional(),
});

/** The parts of a glTF file's JSON that say how much is in it. */
const Gltf = z.object({
  scene: Index.optional(),
  scenes: z.array(z.object({ nodes: z.array(Index).optional() })).optional(),
  nodes: z.array(z.object({ mesh: Index.optional(), children: z.array(Index).optional() })).optional(),
  meshes: z.array(z.object({ primitives: z.array(Primitive) })).optional(),
  accessors: z.array(z.object({ count: Index, type: z.string() })).optional(),
  bufferViews: z.array(z.object({ byteLength: Index })).optional(),
});
type Gltf = z.infer<typeof Gltf>;

/** Bytes of a GLB before its first chunk, and of a chunk before its data (glTF 2.0 §4.4). */
const headerBytes = 12;
const chunkHeaderBytes = 8;
/** Numbers of an accessor's element (glTF 2.0 §3.6.2.2), each of which is unpacked to four bytes. */
const numbers: Record<string, number> = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4, MAT2: 4, MAT3: 9, MAT4: 16 };

/**
 * Adds up what a binary glTF file says that its scene holds, by its JSON alone: a file of a kilobyte can ask for any
 * number of zeros, and show one mesh at any number of places. Throws Unusable for what is beyond the limits.
 */
export function checkCounts(glb: Uint8Array): void {
  const gltf = Gltf.parse(jsonOf(glb));
  const { accessors = [], bufferViews = [] } = gltf;
  const unpacked =
    accessors.reduce((sum, { count, type }) => sum + 4 * count * (numbers[type] ?? 16), 0) +
    bufferViews.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (unpacked > glbLimits.bytesMax) throw new Unusable(`it unpacks to more than ${glbLimits.bytesMax} bytes`);
  const shown = { vertices: 0, corners: 0 };
  for (const { attributes, indices } of shownPrimitives(gltf)) {
    const vertices = accessors[attributes.POSITION ?? -1]?.count ?? 0;
    shown.vertices += vertices;
    shown.corners += indices === undefined ? vertices : (accessors[indices]?.count ?? 0);
  }
  if (shown.vertices > glbLimits.verticesMax) throw new Unusable(`it has more than ${glbLimits.verticesMax} vertices`);
  if (shown.corners > 3 * glbLimits.facesMax) throw new Unusable(`it has more than ${glbLimits.facesMax} triangles`);
}

/** The primitives of the scene, each as often as it is shown. Throws for nodes that are in more than one place. */
function* shownPrimitives({
  scene = 0,
  scenes = [],
  nodes = [],
  meshes = [],
}: Gltf): Generator<z.infer<typeof Primitive>> {
  const seen = new Set<number>();
  const waiting = [...(scenes[scene]?.nodes ?? [])];
  for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
    // Nodes form trees (glTF 2.0 §3.5.2); anything else could be endless.
    if (seen.has(index)) throw new Unusable('its nodes are no tree');
    seen.add(index);
    const node = nodes[index];
    for (const child of node?.children ?? []) waiting.push(child);
    if (node?.mesh !== undefined) yield* meshes[node.mesh]?.primitives ?? [];
  }
}

function jsonOf(glb: Uint8Array): unknown {
  const view = new DataView(glb.buffer, glb.byteOffset, glb.byteLength);
  const length = view.getUint32(headerBytes, true);
  const from = headerBytes + chunkHeaderBytes;
  // Some writers pad with NULs.
  return JSON.parse(new TextDecoder().decode(glb.subarray(from, from + length)).replace(/\0+$/, ''));
}
