/** A signed distance (or a bound on it), negative inside. */
export type Solid = (x: number, y: number, z: number) => number;

/** Math.hypot guards against overflow and is some ten times slower. */
function length(x: number, y: number, z = 0): number {
  return Math.sqrt(x * x + y * y + z * z);
}

export function ball(radius: number): Solid {
  return (x, y, z) => length(x, y, z) - radius;
}

/** A box with rounded edges, by its half sides. */
export function box(a: number, b: number, c: number, round = 0.02): Solid {
  return (x, y, z) => {
    const [u, v, w] = [Math.abs(x) - a + round, Math.abs(y) - b + round, Math.abs(z) - c + round];
    return length(Math.max(u, 0), Math.max(v, 0), Math.max(w, 0)) + Math.min(Math.max(u, v, w), 0) - round;
  };
}

/** A cylinder about the y axis, by its radius and half height. */
export function cylinder(radius: number, half: number): Solid {
  return (x, y, z) => {
    const [u, v] = [length(x, z) - radius, Math.abs(y) - half];
    return length(Math.max(u, 0), Math.max(v, 0)) + Math.min(Math.max(u, v), 0);
  };
}

export type Point = readonly [number, number, number];

/** A rod with round ends. */
export function rod(from: Point, to: Point, radius: number, radiusTo = radius): Solid {
  const axis = to.map((value, k) => value - (from[k] as number)) as unknown as Point;
  const square = axis[0] ** 2 + axis[1] ** 2 + axis[2] ** 2;
  return (x, y, z) => {
    const [u, v, w] = [x - from[0], y - from[1], z - from[2]];
    const share = Math.min(Math.max((u * axis[0] + v * axis[1] + w * axis[2]) / square, 0), 1);
    const thickness = radius + share * (radiusTo - radius);
    return length(u - share * axis[0], v - share * axis[1], w - share * axis[2]) - thickness;
  };
}

export function moved(solid: Solid, dx: number, dy: number, dz: number): Solid {
  return (x, y, z) => solid(x - dx, y - dy, z - dz);
}

/** A solid turned about an axis (0: x, 1: y, 2: z) by an angle in radians. */
export function turned(solid: Solid, axis: number, angle: number): Solid {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  if (axis === 0) return (x, y, z) => solid(x, c * y + s * z, c * z - s * y);
  if (axis === 1) return (x, y, z) => solid(c * x - s * z, y, c * z + s * x);
  return (x, y, z) => solid(c * x + s * y, c * y - s * x, z);
}

export function union(...solids: Solid[]): Solid {
  return (x, y, z) => solids.reduce((least, solid) => Math.min(least, solid(x, y, z)), Infinity);
}

export function without(solid: Solid, ...holes: Solid[]): Solid {
  const hole = union(...holes);
  return (x, y, z) => Math.max(solid(x, y, z), -hole(x, y, z));
}

/** Balls that flow into each other, as one field: sum of exp(-k · distance). */
export function melted(sharpness: number, ...solids: Solid[]): Solid {
  return (x, y, z) =>
    -Math.log(solids.reduce((sum, solid) => sum + Math.exp(-sharpness * solid(x, y, z)), 1e-30)) / sharpness;
}
