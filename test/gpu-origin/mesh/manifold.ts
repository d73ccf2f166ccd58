import ManifoldModule from 'manifold-3d';

const library = await ManifoldModule();
library.setup();

/** What manifold-3d makes of a triangle mesh once vertices at equal positions are one: its status, genus and volume. */
export function asManifold(
  positions: Float32Array,
  indices: Uint32Array,
): { status: string; genus: number; volume: number } {
  const mesh = new library.Mesh({ numProp: 3, vertProperties: positions, triVerts: indices });
  mesh.merge();
  try {
    const solid = new library.Manifold(mesh);
    const answer = { status: String(solid.status()), genus: solid.genus(), volume: solid.volume() };
    solid.delete();
    return answer;
  } catch (error) {
    return { status: String(error), genus: NaN, volume: NaN };
  }
}
