import type { Picture } from '../../../gpu-origin/pipeline/picture.ts';

/** A white disc on a clear ground. */
export function discOf(width: number, height: number): Picture {
  const data = new Uint8Array(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [(i % width) - width / 2, Math.floor(i / width) - height / 2];
    if (Math.hypot(x, y) > 0.4 * width) data[4 * i + 3] = 0;
  }
  return { width, height, data };
}
