/** Corner positions on the screen: x and y in pixels from the top left, depth growing away from the viewer. */
export type ScreenPoints = Float32Array;

/** What is seen at each pixel: its face (-1 for none) and the weights of that face's second and third corner. */
export type Seen = { width: number; height: number; faces: Int32Array; second: Float32Array; third: Float32Array };

/** Draws triangles into a depth buffer, nearest first; both windings are drawn. O(covered pixels). */
export function rasterize(
  points: ScreenPoints,
  indices: Uint32Array,
  { width, height }: { width: number; height: number },
): Seen {
  const seen: Seen = {
    width,
    height,
    faces: new Int32Array(width * height).fill(-1),
    second: new Float32Array(width * height),
    third: new Float32Array(width * height),
  };
  const depths = new Float32Array(width * height).fill(Infinity);
  for (let face = 0; face < indices.length / 3; face++) drawFace(points, indices, face, seen, depths);
  return seen;
}

function drawFace(points: ScreenPoints, indices: Uint32Array, face: number, seen: Seen, depths: Float32Array): void {
  const a = 3 * (indices[3 * face] as number);
  const b = 3 * (indices[3 * face + 1] as number);
  const c = 3 * (indices[3 * face + 2] as number);
  const ax = points[a] as number;
  const ay = points[a + 1] as number;
  const az = points[a + 2] as number;
  const ux = (points[b] as number) - ax;
  const uy = (points[b + 1] as number) - ay;
  const vx = (points[c] as number) - ax;
  const vy = (points[c + 1] as number) - ay;
  const left = Math.max(Math.ceil(Math.min(ax, ax + ux, ax + vx) - 0.5), 0);
  const right = Math.min(Math.floor(Math.max(ax, ax + ux, ax + vx) - 0.5), seen.width - 1);
  const top = Math.max(Math.ceil(Math.min(ay, ay + uy, ay + vy) - 0.5), 0);
  const bottom = Math.min(Math.floor(Math.max(ay, ay + uy, ay + vy) - 0.5), seen.height - 1);
  const area = ux * vy - uy * vx;
  if (area === 0) return;
  const uz = (points[b + 2] as number) - az;
  const vz = (points[c + 2] as number) - az;
  const perArea = 1 / area;
  for (let y = top; y <= bottom; y++) {
    const dy = y + 0.5 - ay;
    for (let x = left; x <= right; x++) {
      const dx = x + 0.5 - ax;
      const second = (dx * vy - dy * vx) * perArea;
      const third = (ux * dy - uy * dx) * perArea;
      if (second < 0 || third < 0 || second + third > 1) continue;
      const depth = az + second * uz + third * vz;
      const i = y * seen.width + x;
      if (depth >= (depths[i] as number)) continue;
      depths[i] = depth;
      seen.faces[i] = face;
      seen.second[i] = second;
      seen.third[i] = third;
    }
  }
}
