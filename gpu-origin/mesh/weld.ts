/** For each vertex the number of the first vertex at exactly the same position; equal arrays mean nothing was shared. */
export function weld(positions: Float32Array): Uint32Array {
  const count = positions.length / 3;
  const canonical = new Uint32Array(count);
  const bits = new Uint32Array(positions.buffer, positions.byteOffset, positions.length);
  const slots = 1 << Math.ceil(Math.log2(Math.max(count, 2) * 2));
  const table = new Int32Array(slots).fill(-1);
  for (let v = 0; v < count; v++) {
    const x = bits[3 * v] as number;
    const y = bits[3 * v + 1] as number;
    const z = bits[3 * v + 2] as number;
    let slot = hash(x, y, z) & (slots - 1);
    for (;;) {
      const other = table[slot] as number;
      if (other < 0) {
        table[slot] = v;
        canonical[v] = v;
        break;
      }
      if (bits[3 * other] === x && bits[3 * other + 1] === y && bits[3 * other + 2] === z) {
        canonical[v] = other;
        break;
      }
      slot = (slot + 1) & (slots - 1);
    }
  }
  return canonical;
}

function hash(x: number, y: number, z: number): number {
  let h = Math.imul(x, 0x9e3779b1) ^ Math.imul(y, 0x85ebca6b) ^ Math.imul(z, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return h ^ (h >>> 13);
}
