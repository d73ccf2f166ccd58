/** Parts with fewer faces than this share of the largest part's are noise. */
const partShareMin = 0.02;

/** The triangles of the parts that are not much smaller than the largest one; parts hang together by shared vertices. */
export function largeComponents(indices: Uint32Array, vertexCount: number): Uint32Array {
  const parents = Uint32Array.from({ length: vertexCount }, (_, vertex) => vertex);
  const root = (vertex: number): number => {
    let at = vertex;
    while (parents[at] !== at) {
      parents[at] = parents[parents[at] as number] as number; // halves the path
      at = parents[at] as number;
    }
    return at;
  };
  for (let i = 0; i < indices.length; i += 3) {
    const a = root(indices[i] as number);
    parents[root(indices[i + 1] as number)] = a;
    parents[root(indices[i + 2] as number)] = a;
  }
  const faces = new Uint32Array(vertexCount);
  for (let i = 0; i < indices.length; i += 3) {
    const part = root(indices[i] as number);
    faces[part] = (faces[part] as number) + 1;
  }
  const least = partShareMin * faces.reduce((most, count) => Math.max(most, count), 0);
  return indices.filter((_, i) => (faces[root(indices[i - (i % 3)] as number)] as number) >= least);
}
