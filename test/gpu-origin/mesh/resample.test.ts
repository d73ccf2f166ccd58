import { describe, expect, test } from 'vitest';
import { resample, type Filter } from '../../../gpu-origin/mesh/resample.ts';
import { plane, seededRandom } from './shapes.ts';

const size = 20;
const whole = { x: 0, y: 0, width: size, height: size };
const ramp = { data: plane(size, (x, y) => 3 * x - 2 * y), width: size, height: size, channels: 1 };

describe.each(['area', 'smooth', 'sharp'] as const)('the filter %s', (filter: Filter) => {
  test.each([7, 20, 33])('keeps a flat field flat and a ramp a ramp at %i²', (target) => {
    const options = { filter, beyond: 'clamp' } as const;
    const flat = { ...ramp, data: new Float32Array(size * size).fill(0.7) };
    const even = resample(flat, whole, { width: target, height: target }, options).data;
    for (const value of even) expect(value).toBeCloseTo(0.7, 5);
    const slope = resample(ramp, whole, { width: target, height: target }, options).data;
    const truth = plane(target, (x, y) => 3 * x - 2 * y);
    const inner = (i: number) => Math.min(i % target, Math.floor(i / target)) > 4 * (target / size) + 1;
    const far = (i: number) => Math.max(i % target, Math.floor(i / target)) < target - 4 * (target / size) - 2;
    for (let i = 0; i < truth.length; i++) {
      if (inner(i) && far(i)) expect(slope[i]).toBeCloseTo(truth[i] as number, 4);
    }
  });
});

const mean = (data: Float32Array) => data.reduce((sum, value) => sum + value / data.length, 0);

test('area keeps the sum when it shrinks', () => {
  const random = seededRandom(1);
  const noise = { ...ramp, data: plane(size, () => random()) };
  const small = resample(noise, whole, { width: 7, height: 7 }, { filter: 'area', beyond: 'zero' });
  expect(mean(small.data)).toBeCloseTo(mean(noise.data), 5);
});

test('sharp passes through the samples, and beyond the border a raster is zero or goes on', () => {
  const target = { width: size + 4, height: size + 4 };
  const larger = { x: -2, y: -2, width: size + 4, height: size + 4 };
  const zero = resample(ramp, larger, target, { filter: 'sharp', beyond: 'zero' }).data;
  const clamp = resample(ramp, larger, target, { filter: 'sharp', beyond: 'clamp' }).data;
  expect(zero[0]).toBe(0);
  expect(clamp[0]).toBeCloseTo(ramp.data[0] as number, 5);
  expect(zero[5 * target.width + 6]).toBeCloseTo(ramp.data[3 * size + 4] as number, 5);
});
