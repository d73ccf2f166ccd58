/** Which part of the texture a vertex belongs to: the picture, its reverse, or the wall between the two. */
export const side = { front: 0, back: 1, wall: 2 } as const;

/**
 * A closed surface before it gets its size and texture, in canvas units: x right and y up from -1 to 1, z towards the
 * viewer. Vertices where sides or creases meet are doubled, at exactly equal positions.
 */
export type Surface = {
  positions: Float32Array;
  indices: Uint32Array;
  /** Unit normal of each vertex. */
  normals: Float32Array;
  /** A `side` for each vertex; null when the picture is not laid on the surface. */
  sides: Uint8Array | null;
  /** Red, green, blue of each vertex as sRGB bytes, when the model gives colours; else null. */
  colors: Uint8Array | null;
};
