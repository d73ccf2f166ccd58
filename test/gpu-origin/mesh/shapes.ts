/** Alpha on size² pixels, anti-aliased over a pixel, from a signed distance in canvas units (positive inside). */
export function alphaOf(size: number, distance: (x: number, y: number) => number): Float32Array {
  return plane(size, (x, y) => Math.min(Math.max((distance(x, y) * size) / 2 + 0.5, 0), 1));
}

/** A field on the canvas, x right and y up from -1 to 1, sampled at the centres of size² pixels. */
export function plane(size: number, value: (x: number, y: number) => number): Float32Array {
  const field = new Float32Array(size * size);
  for (let i = 0; i < field.length; i++) {
    field[i] = value((((i % size) + 0.5) * 2) / size - 1, 1 - ((Math.floor(i / size) + 0.5) * 2) / size);
  }
  return field;
}

export function disc(radius: number, x0 = 0, y0 = 0): (x: number, y: number) => number {
  return (x, y) => radius - Math.hypot(x - x0, y - y0);
}

/** Numbers from 0 to 1, the same for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
