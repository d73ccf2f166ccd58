import { weld } from './weld.ts';

/** What is wrong with a mesh as a solid, vertices at equal positions counting as one; all zero when it can be printed. */
type MeshFaults = {
  /** Edges with a face on one side only. */
  openEdges: number;
  /** Directed edges that two or more faces share: wrong winding, doubled faces, or more than two faces at an edge. */
  sharedEdges: number;
  /** Vertices at which several fans of faces meet. */
  pinchedVertices: number;
  /** Faces with two equal corners or with no area. */
  degenerateFaces: number;
};

export type MeshCheck = {
  /** Closed, manifold, with consistent winding. */
  watertight: boolean;
  faults: MeshFaults;
  /** The vertices at the faults, each as the first one at its position. */
  faultyVertices: ReadonlySet<number>;
  /** Vertices - edges + faces; 2 for each ball, 0 for each torus. */
  eulerCharacteristic: number;
};

/** Checks a triangle mesh as a solid; O(faces), whatever the valence of a vertex. */
export function checkMesh(positions: Float32Array, indices: Uint32Array): MeshCheck {
  const canonical = weld(positions);
  const corners = indices.map((vertex) => canonical[vertex] as number);
  const faultyVertices = new Set<number>();
  const edges = directedEdges(corners, faultyVertices);
  const faults: MeshFaults = {
    openEdges: edges.open,
    sharedEdges: edges.shared,
    pinchedVertices: edges.shared > 0 ? 0 : pinchedVertices(corners, edges.twins, faultyVertices),
    degenerateFaces: degenerateFaces(positions, corners, faultyVertices),
  };
  const vertices = new Uint8Array(canonical.length);
  for (const vertex of corners) vertices[vertex] = 1;
  const vertexCount = vertices.reduce((sum, used) => sum + used, 0);
  return {
    watertight:
      corners.length > 0 &&
      faults.openEdges + faults.sharedEdges + faults.pinchedVertices + faults.degenerateFaces === 0,
    faults,
    faultyVertices,
    eulerCharacteristic: vertexCount - (corners.length + edges.open) / 2 + corners.length / 3,
  };
}

type DirectedEdges = { /** The opposite half edge of each, or -1. */ twins: Int32Array; open: number; shared: number };

/** Half edge c runs from corner c to the next corner of its face. */
function directedEdges(corners: Uint32Array, faulty: Set<number>): DirectedEdges {
  const find = edgeFinder(corners);
  const twins = new Int32Array(corners.length);
  let shared = 0;
  let open = 0;
  for (let c = 0; c < corners.length; c++) {
    const from = corners[c] as number;
    const to = corners[next(c)] as number;
    const twin = find(to, from);
    twins[c] = twin;
    if (twin < 0) open++;
    const repeats = find(from, to) !== c;
    if (repeats) shared++;
    if (twin < 0 || repeats) faulty.add(from).add(to);
  }
  return { twins, open, shared };
}

/** Finds the first half edge from one vertex to another, or -1, in a hash table: a fan's hub may have any valence. */
function edgeFinder(corners: Uint32Array): (from: number, to: number) => number {
  const slots = 1 << Math.ceil(Math.log2(Math.max(corners.length, 2) * 2));
  const table = new Int32Array(slots).fill(-1);
  const slotOf = (from: number, to: number): number => {
    let slot = hash(from, to) & (slots - 1);
    for (;;) {
      const edge = table[slot] as number;
      if (edge < 0 || (corners[edge] === from && corners[next(edge)] === to)) return slot;
      slot = (slot + 1) & (slots - 1);
    }
  };
  for (let c = 0; c < corners.length; c++) {
    const slot = slotOf(corners[c] as number, corners[next(c)] as number);
    if ((table[slot] as number) < 0) table[slot] = c;
  }
  return (from, to) => table[slotOf(from, to)] as number;
}

function hash(from: number, to: number): number {
  let h = Math.imul(from, 0x9e3779b1) ^ Math.imul(to, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return h ^ (h >>> 13);
}

function next(corner: number): number {
  return corner % 3 === 2 ? corner - 2 : corner + 1;
}

/** Turns around each vertex from one of its corners; a corner that is never reached belongs to another fan. */
function pinchedVertices(corners: Uint32Array, twins: Int32Array, faulty: Set<number>): number {
  const fans = new Uint8Array(corners.reduce((most, vertex) => Math.max(most, vertex), 0) + 1);
  const seen = new Uint8Array(corners.length);
  let pinched = 0;
  for (let c = 0; c < corners.length; c++) {
    if (seen[c] === 1) continue;
    let at = c;
    while (at >= 0 && seen[at] === 0) {
      seen[at] = 1;
      at = twins[next(next(at))] as number; // the edge that comes in at this corner leaves the neighbour's
    }
    if (at < 0) continue; // an open fan; its edges are counted as open
    const vertex = corners[c] as number;
    fans[vertex] = Math.min((fans[vertex] as number) + 1, 2);
    if (fans[vertex] === 2) {
      pinched++;
      faulty.add(vertex);
    }
  }
  return pinched;
}

function degenerateFaces(positions: Float32Array, corners: Uint32Array, faulty: Set<number>): number {
  let count = 0;
  for (let c = 0; c < corners.length; c += 3) {
    const a = 3 * (corners[c] as number);
    const b = 3 * (corners[c + 1] as number);
    const d = 3 * (corners[c + 2] as number);
    const ux = (positions[b] as number) - (positions[a] as number);
    const uy = (positions[b + 1] as number) - (positions[a + 1] as number);
    const uz = (positions[b + 2] as number) - (positions[a + 2] as number);
    const vx = (positions[d] as number) - (positions[a] as number);
    const vy = (positions[d + 1] as number) - (positions[a + 1] as number);
    const vz = (positions[d + 2] as number) - (positions[a + 2] as number);
    const extent = Math.abs(uy * vz - uz * vy) + Math.abs(uz * vx - ux * vz) + Math.abs(ux * vy - uy * vx);
    if (extent > 0) continue;
    count++;
    faulty.add(corners[c] as number);
  }
  return count;
}
