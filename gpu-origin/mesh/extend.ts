/**
 * Continues interleaved samples from the known pixels outwards, in place: ring by ring, each new pixel the mean of its
 * known neighbours. Stops after `pixels` rings, beyond which every pixel gets the mean of the last ring. O(pixels).
 */
export function extend(
  data: Float32Array,
  known: Uint8Array,
  { width, height, channels, pixels }: { width: number; height: number; channels: number; pixels: number },
): void {
  const done = known.slice();
  const sum = new Float64Array(channels);
  let ring = frontier(done, width, height);
  let last: number[] = [];
  for (let step = 0; step < pixels && ring.length > 0; step++) {
    for (const i of ring) {
      sum.fill(0);
      let count = 0;
      for (const j of neighbours(i, width, height)) {
        if (done[j] !== 1) continue;
        count++;
        for (let c = 0; c < channels; c++) sum[c] = (sum[c] as number) + (data[j * channels + c] as number);
      }
      for (let c = 0; c < channels; c++) data[i * channels + c] = (sum[c] as number) / count;
    }
    for (const i of ring) done[i] = 1;
    last = ring;
    const found = new Set<number>();
    for (const i of ring) for (const j of neighbours(i, width, height)) if (done[j] === 0) found.add(j);
    ring = [...found];
  }
  fillRest(data, done, last, channels);
}

/** Unknown pixels above, below or beside a known one. */
function frontier(done: Uint8Array, width: number, height: number): number[] {
  const ring: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (done[i] === 1) continue;
      const beside = (x > 0 && done[i - 1] === 1) || (x < width - 1 && done[i + 1] === 1);
      if (beside || done[i - width] === 1 || done[i + width] === 1) ring.push(i);
    }
  }
  return ring;
}

function neighbours(i: number, width: number, height: number): number[] {
  const x = i % width;
  const y = (i - x) / width;
  const around: number[] = [];
  for (let v = Math.max(y - 1, 0); v <= Math.min(y + 1, height - 1); v++) {
    for (let u = Math.max(x - 1, 0); u <= Math.min(x + 1, width - 1); u++) {
      if (u !== x || v !== y) around.push(v * width + u);
    }
  }
  return around;
}

function fillRest(data: Float32Array, done: Uint8Array, last: number[], channels: number): void {
  if (last.length === 0) return;
  for (let c = 0; c < channels; c++) {
    let mean = 0;
    for (const i of last) mean += (data[i * channels + c] as number) / last.length;
    for (let i = 0; i < done.length; i++) if (done[i] === 0) data[i * channels + c] = mean;
  }
}
