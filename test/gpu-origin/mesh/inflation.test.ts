import { expect, test } from 'vitest';
import { inflation } from '../../../gpu-origin/mesh/inflation.ts';
import { alphaOf, disc, plane, seededRandom } from './shapes.ts';

test.each([33, 64, 100, 128])('a disc on %i² pixels becomes a half sphere with the contour as its edge', (size) => {
  const radius = 0.8;
  const heights = inflation(alphaOf(size, disc(radius)), size, 'contour');
  const truth = plane(size, (x, y) => Math.sqrt(Math.max(radius ** 2 - x ** 2 - y ** 2, 0)));
  let square = 0;
  for (let i = 0; i < truth.length; i++) square += ((heights[i] as number) - (truth[i] as number)) ** 2 / truth.length;
  expect(Math.sqrt(square)).toBeLessThan(0.15 / size);
});

test('with the pixels as its edge it solves the very equations that the models were trained with', () => {
  const size = 48;
  const random = seededRandom(5);
  const alpha = plane(size, (x, y) => (Math.hypot(x, y) < 0.9 && random() > 0.1 ? 1 : 0));
  const heights = inflation(alpha, size, 'pixels');
  const u = (x: number, y: number) =>
    x < 0 || y < 0 || x >= size || y >= size ? 0 : (heights[y * size + x] as number) ** 2;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if (alpha[y * size + x] === 0) expect(u(x, y)).toBe(0);
      else
        expect(4 * u(x, y) - u(x - 1, y) - u(x + 1, y) - u(x, y - 1) - u(x, y + 1)).toBeCloseTo(4 * (2 / size) ** 2, 5);
    }
  }
});

test('an empty silhouette stays flat, and one that fills the canvas is bounded by it', () => {
  expect(inflation(new Float32Array(64), 8, 'contour').every((height) => height === 0)).toBe(true);
  const full = inflation(new Float32Array(32 * 32).fill(1), 32, 'pixels');
  expect(Math.max(...full)).toBeGreaterThan(0.9);
  expect(Math.max(...full)).toBeLessThan(1.2);
});
