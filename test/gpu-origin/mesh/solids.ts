/** Signed distances of solids in a space of about ±0.87, negative inside. */
export const solids = {
  sphere: (x: number, y: number, z: number) => Math.hypot(x, y, z) - 0.6,
  torus: (x: number, y: number, z: number) => Math.hypot(Math.hypot(x, y) - 0.5, z) - 0.2,
  boxFrame,
  twoBodies: (x: number, y: number, z: number) =>
    Math.min(Math.hypot(x - 0.4, y, z) - 0.25, Math.hypot(x + 0.4, y - 0.1, z) - 0.3),
};

/** Vertices - edges + faces of each. A box frame has the 12 - 8 + 1 = 5 handles of a cube's edges. */
export const eulerCharacteristics = { sphere: 2, torus: 0, boxFrame: -8, twoBodies: 4 };

const halfSide = 0.55;
const halfBar = 0.12;

/** The edges of a cube as square bars: outside the cube's middle in at least two axes. */
function boxFrame(x: number, y: number, z: number): number {
  const reach = [x, y, z].map((value) => Math.abs(Math.abs(value) - (halfSide - halfBar)) - halfBar);
  const outer = [x, y, z].map((value) => Math.abs(value) - halfSide);
  const bars = [0, 1, 2].map((axis) =>
    Math.max(outer[axis] as number, reach[(axis + 1) % 3] as number, reach[(axis + 2) % 3] as number),
  );
  return Math.min(...bars);
}

/** Minus a signed distance at size³ points within ±radius, x slowest: positive inside. */
export function sampled(
  distance: (x: number, y: number, z: number) => number,
  size: number,
  radius: number,
): Float32Array {
  const at = (step: number) => radius * ((2 * step) / (size - 1) - 1);
  return Float32Array.from(
    { length: size ** 3 },
    (_, i) => -distance(at(Math.floor(i / size ** 2)), at(Math.floor(i / size) % size), at(i % size)),
  );
}
