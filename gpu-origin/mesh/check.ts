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

/** Checks a triangle mesh as a solid; O(faces × valence). */
export function checkMesh(positions: Float32Array, indices: Uint32Array): MeshCheck {
  const canonical = weld(positions);
  const corners = indices.map((vertex) => canonical[vertex] as number);
  const faultyVertices = new Set<number>();
  const edges = directedEdges(corners, canonical.length, faultyVertices);
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
function directedEdges(corners: Uint32Array, vertices: number, faulty: Set<number>): DirectedEdges {
  const { starts, edges } = edgesByOrigin(corners, vertices);
  const find = (from: number, to: number): number => {
    for (let i = starts[from] as number; i < (starts[from + 1] as number); i++) {
      const edge = edges[i] as number;
      if (corners[next(edge)] === to) return edge;
    }
    return -1;
  };
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

/** The half edges that leave each vertex, in order: those of vertex v lie from starts[v] to starts[v + 1]. */
function edgesByOrigin(corners: Uint32Array, vertices: number): { starts: Uint32Array; edges: Uint32Array } {
  const starts = new Uint32Array(vertices + 1);
  for (const vertex of corners) starts[vertex + 1] = (starts[vertex + 1] as number) + 1;
  for (let v = 0; v < vertices; v++) starts[v + 1] = (starts[v + 1] as number) + (starts[v] as number);
  const ends = starts.slice();
  const edges = new Uint32Array(corners.length);
  for (let c = 0; c < corners.length; c++) {
    const vertex = corners[c] as number;
    edges[ends[vertex] as number] = c;
    ends[vertex] = (ends[vertex] as number) + 1;
  }
  return { starts, edges };
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
