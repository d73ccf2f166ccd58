/** An indexed triangle mesh in metres, +Y up, facing +Z; counter-clockwise from outside. */
export type Mesh = {
  /** x, y, z of each vertex. */
  positions: Float32Array;
  /** Three vertex numbers a triangle. */
  indices: Uint32Array;
  /** Unit normal of each vertex. */
  normals: Float32Array;
  /** u, v of each vertex, v downwards as in glTF; null when there is no texture. */
  uvs: Float32Array | null;
  /** Red, green, blue of each vertex as sRGB bytes; null when there are none. */
  colors: Uint8Array | null;
};
