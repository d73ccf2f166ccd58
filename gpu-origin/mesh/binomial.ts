/** The filter 1 2 1 along one axis of size² interleaved samples; the border goes on as its last sample. */
export function binomial(
  field: Float32Array,
  size: number,
  channels: number,
  axis: 'x' | 'y',
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(field.length);
  const step = axis === 'x' ? channels : channels * size;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const along = axis === 'x' ? x : y;
      const back = along > 0 ? step : 0;
      const on = along < size - 1 ? step : 0;
      const first = (y * size + x) * channels;
      for (let i = first; i < first + channels; i++) {
        out[i] = ((field[i - back] as number) + 2 * (field[i] as number) + (field[i + on] as number)) / 4;
      }
    }
  }
  return out;
}
