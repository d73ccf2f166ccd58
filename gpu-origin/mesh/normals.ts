import { faceNormals, type FaceNormals } from './face-normals.ts';
import { weld } from './weld.ts';

/** Faces that meet at a sharper angle than this keep their edge, in degrees. */
const creaseDegrees = 50;

/** Faces around one place from which their directions are put into buckets, so that no pair of faces is compared. */
const facesExactMax = 64;
/** Buckets along each axis of the cube of directions: some 11 degrees each, of which a place fills at most a few hundred. */
const bucketsPerAxis = 11;

export type SmoothedVertices = {
  indices: Uint32Array;
  normals: Float32Array;
  /** The vertex of the input that each vertex of the output copies. */
  sources: Uint32Array;
};

/**
 * Unit normals that are smooth across seams (vertices at equal positions) and broken at creases, where vertices are
 * split. Each corner's normal is the sum, weighted by area, of the faces around its position that lie within the crease
 * angle of its own face. Around a place of more than 64 faces that is told by directions rounded to some 11 degrees, as
 * a vertex may have any valence. O(faces).
 */
export function smoothNormals(positions: Float32Array, indices: Uint32Array): SmoothedVertices {
  const canonical = weld(positions);
  const faces = faceNormals(positions, indices);
  const around = cornersByVertex(indices, canonical);
  const limit = Math.cos((creaseDegrees * Math.PI) / 180);

  const outIndices = new Uint32Array(indices.length);
  // A copy a corner at most; cut to what is used at the end.
  const normals = new Float32Array(3 * indices.length);
  const sources = new Uint32Array(indices.length);
  let copies = 0;
  // The copies of each vertex made so far, as linked lists.
  const firstCopy = new Int32Array(canonical.length).fill(-1);
  const nextCopy = new Int32Array(indices.length);
  const smooth = smoothPlaces(faces, around);
  const hubs = hubsOf(faces, around, { smooth, limit });
  const sum = new Float64Array(3);
  for (let c = 0; c < indices.length; c++) {
    const vertex = indices[c] as number;
    const place = canonical[vertex] as number;
    let copy = firstCopy[vertex] as number;
    if (copy >= 0 && smooth[place] === 1) {
      outIndices[c] = copy;
      continue;
    }
    const hub = hubs.get(place) ?? null;
    if (hub === null) sumAround({ corner: c, place, faces, around, limit }, sum);
    else sum.set(hub.sums.subarray(3 * hub.bucketOf(Math.floor(c / 3)), 3 * hub.bucketOf(Math.floor(c / 3)) + 3));
    const x = Math.fround(sum[0] as number);
    const y = Math.fround(sum[1] as number);
    const z = Math.fround(sum[2] as number);
    while (copy >= 0 && !(normals[3 * copy] === x && normals[3 * copy + 1] === y && normals[3 * copy + 2] === z)) {
      copy = nextCopy[copy] as number;
    }
    if (copy < 0) {
      copy = copies++;
      sources[copy] = vertex;
      normals[3 * copy] = x;
      normals[3 * copy + 1] = y;
      normals[3 * copy + 2] = z;
      nextCopy[copy] = firstCopy[vertex] as number;
      firstCopy[vertex] = copy;
    }
    outIndices[c] = copy;
  }
  return { indices: outIndices, normals: normals.slice(0, 3 * copies), sources: sources.slice(0, copies) };
}

/** Marks the places all of whose faces lie within half the crease angle of one of them, so that none is too far from another. */
function smoothPlaces({ units }: FaceNormals, { starts, faces }: Around): Uint8Array {
  const half = Math.cos((0.49 * creaseDegrees * Math.PI) / 180);
  const smooth = new Uint8Array(starts.length - 1);
  for (let place = 0; place < smooth.length; place++) {
    const from = starts[place] as number;
    const to = starts[place + 1] as number;
    const first = 3 * (faces[from] as number);
    let least = 1;
    for (let i = from + 1; i < to; i++) {
      const face = 3 * (faces[i] as number);
      const dot =
        (units[first] as number) * (units[face] as number) +
        (units[first + 1] as number) * (units[face + 1] as number) +
        (units[first + 2] as number) * (units[face + 2] as number);
      if (dot < least) least = dot;
    }
    if (to > from && least > half) smooth[place] = 1;
  }
  return smooth;
}

type Around = { starts: Uint32Array; faces: Uint32Array };

function cornersByVertex(indices: Uint32Array, canonical: Uint32Array): Around {
  const starts = new Uint32Array(canonical.length + 1);
  for (const vertex of indices) {
    const slot = (canonical[vertex] as number) + 1;
    starts[slot] = (starts[slot] as number) + 1;
  }
  for (let v = 0; v < canonical.length; v++) starts[v + 1] = (starts[v + 1] as number) + (starts[v] as number);
  const fill = starts.slice();
  const faces = new Uint32Array(indices.length);
  for (let c = 0; c < indices.length; c++) {
    const vertex = canonical[indices[c] as number] as number;
    const at = fill[vertex] as number;
    faces[at] = Math.floor(c / 3);
    fill[vertex] = at + 1;
  }
  return { starts, faces };
}

/** Writes the unit normal of one corner into `sum`. */
function sumAround(
  {
    corner,
    place,
    faces,
    around,
    limit,
  }: { corner: number; place: number; faces: FaceNormals; around: Around; limit: number },
  sum: Float64Array,
): void {
  const { units, areas } = faces;
  const own = 3 * Math.floor(corner / 3);
  const nx = units[own] as number;
  const ny = units[own + 1] as number;
  const nz = units[own + 2] as number;
  let x = 0;
  let y = 0;
  let z = 0;
  for (let i = around.starts[place] as number; i < (around.starts[place + 1] as number); i++) {
    const face = around.faces[i] as number;
    const fx = units[3 * face] as number;
    const fy = units[3 * face + 1] as number;
    const fz = units[3 * face + 2] as number;
    if (fx * nx + fy * ny + fz * nz < limit && 3 * face !== own) continue;
    const area = areas[face] as number;
    x += fx * area;
    y += fy * area;
    z += fz * area;
  }
  const length = Math.sqrt(x * x + y * y + z * z);
  sum[0] = length > 0 ? x / length : 0;
  sum[1] = length > 0 ? y / length : 0;
  sum[2] = length > 0 ? z / length : 1;
}

/** Around a place of many faces: the bucket of a face's direction, and the unit normal for each bucket. */
type Hub = { bucketOf: (face: number) => number; sums: Float64Array };

/** The places of more faces than are compared one by one; a smooth one has a single normal and needs no buckets. */
function hubsOf(
  faces: FaceNormals,
  around: Around,
  { smooth, limit }: { smooth: Uint8Array; limit: number },
): Map<number, Hub> {
  const hubs = new Map<number, Hub>();
  for (let place = 0; place < smooth.length; place++) {
    const count = (around.starts[place + 1] as number) - (around.starts[place] as number);
    if (count > facesExactMax && smooth[place] !== 1) hubs.set(place, hubAt(place, faces, around, limit));
  }
  return hubs;
}

function hubAt(place: number, { units, areas }: FaceNormals, around: Around, limit: number): Hub {
  const step = (axis: number, face: number) =>
    Math.round((((units[3 * face + axis] as number) + 1) / 2) * (bucketsPerAxis - 1));
  const keyOf = (face: number) => (step(0, face) * bucketsPerAxis + step(1, face)) * bucketsPerAxis + step(2, face);
  const buckets = new Map<number, number>();
  const totals: number[] = [];
  for (let i = around.starts[place] as number; i < (around.starts[place + 1] as number); i++) {
    const face = around.faces[i] as number;
    const key = keyOf(face);
    const bucket = buckets.get(key) ?? buckets.size;
    if (bucket === buckets.size) {
      buckets.set(key, bucket);
      totals.push(0, 0, 0);
    }
    for (let k = 0; k < 3; k++) {
      totals[3 * bucket + k] =
        (totals[3 * bucket + k] as number) + (units[3 * face + k] as number) * (areas[face] as number);
    }
  }
  return { bucketOf: (face) => buckets.get(keyOf(face)) as number, sums: withinCrease(totals, limit) };
}

/** For each bucket the unit of the sum of all that lie within the crease angle of it. */
function withinCrease(totals: readonly number[], limit: number): Float64Array {
  const at = (i: number, k: number) => totals[3 * i + k] as number;
  const lengths = Array.from({ length: totals.length / 3 }, (_, i) => Math.hypot(at(i, 0), at(i, 1), at(i, 2)));
  const sums = new Float64Array(totals.length);
  for (let i = 0; i < lengths.length; i++) {
    const sum = [0, 0, 0];
    for (let j = 0; j < lengths.length; j++) {
      const dot = at(i, 0) * at(j, 0) + at(i, 1) * at(j, 1) + at(i, 2) * at(j, 2);
      if (i !== j && dot < limit * (lengths[i] as number) * (lengths[j] as number)) continue;
      for (let k = 0; k < 3; k++) sum[k] = (sum[k] as number) + at(j, k);
    }
    const length = Math.hypot(...sum);
    for (let k = 0; k < 3; k++) sums[3 * i + k] = length > 0 ? (sum[k] as number) / length : k === 2 ? 1 : 0;
  }
  return sums;
}
