import { ink, line, ours, rect, reference, svg, text } from './svg.ts';

/** A bar with, where it was repeated, the least and the most that was measured; `ours` tells it from what it is held against. */
export type Bar = { label: string; value: number; least?: number; most?: number; ours: boolean };

const width = 760;
const labelWidth = 270;
const valueWidth = 90;
const top = 44;
const rowHeight = 26;
const barHeight = 16;

/** An SVG of horizontal bars from zero, with a line from the least to the most of each; `unit` stands beside the values. */
export function barChart({ title, unit, bars }: { title: string; unit: string; bars: readonly Bar[] }): string {
  const greatest = Math.max(...bars.map(({ value, most }) => most ?? value));
  const scale = (width - labelWidth - valueWidth) / greatest;
  const rows = bars.flatMap(({ label, value, least, most, ours: isOurs }, i) => {
    const y = top + i * rowHeight;
    const middle = y + barHeight / 2;
    const whisker =
      least === undefined || most === undefined
        ? []
        : [line([labelWidth + least * scale, middle], [labelWidth + most * scale, middle], ink, 1.5)];
    return [
      text(labelWidth - 8, middle + 4, label, { anchor: 'end' }),
      rect({ x: labelWidth, y, width: Math.max(1, value * scale), height: barHeight }, isOurs ? ours : reference),
      ...whisker,
      text(labelWidth + (most ?? value) * scale + 6, middle + 4, `${Number(value.toPrecision(3))} ${unit}`),
    ];
  });
  const height = top + bars.length * rowHeight + 8;
  return svg({ width, height, title }, [text(12, 24, title, { bold: true }), ...rows]);
}
