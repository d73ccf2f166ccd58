import { faint, ink, line, palette, polyline, svg, text } from './svg.ts';

export type Series = { name: string; points: readonly [x: number, y: number][] };

const width = 760;
const height = 320;
const frame = { left: 64, right: 600, top: 58, bottom: 270 };
const ticks = 5;

/** An SVG of lines over one horizontal axis; the vertical one begins at zero. */
export function lineChart(chart: { title: string; x: string; y: string; series: readonly Series[] }): string {
  const points = chart.series.flatMap((series) => series.points);
  const xMost = Math.max(...points.map(([x]) => x));
  const yMost = niceAbove(Math.max(...points.map(([, y]) => y)));
  const at = ([x, y]: readonly [number, number]): [number, number] => [
    frame.left + (x / xMost) * (frame.right - frame.left),
    frame.bottom - (y / yMost) * (frame.bottom - frame.top),
  ];
  const grid = Array.from({ length: ticks + 1 }, (_, i) => (i * yMost) / ticks).flatMap((value) => {
    const [left, y] = at([0, value]);
    return [
      line([left, y], [frame.right, y], faint, 1),
      text(left - 8, y + 4, String(Number(value.toPrecision(3))), { anchor: 'end' }),
    ];
  });
  const marks = [...new Set(points.map(([x]) => x))].map((value) =>
    text(at([value, 0])[0], frame.bottom + 18, String(value), { anchor: 'middle' }),
  );
  const lines = chart.series.flatMap(({ name, points: own }, i) => {
    const colour = palette[i % palette.length] ?? ink;
    const [x, y] = at(own.at(-1) ?? [0, 0]);
    return [polyline(own.map(at), colour), text(x + 8, y + 4, name, { colour })];
  });
  return svg({ width, height, title: chart.title }, [
    text(12, 24, chart.title, { bold: true }),
    ...grid,
    ...marks,
    ...lines,
    text(frame.right, frame.bottom + 40, chart.x, { anchor: 'end' }),
    text(frame.left, frame.top - 8, chart.y),
  ]);
}

/** The next of a few round numbers times a power of ten. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 5, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}
