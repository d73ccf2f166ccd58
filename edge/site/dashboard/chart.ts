import uPlot from 'uplot';
import { make } from '../look/element.ts';

export type Values = readonly (number | null)[];

export type ChartOptions = {
  title: string;
  /** Names of the series, in the order of their colours. */
  series: readonly string[];
  /** Series stand on each other, as parts of a whole. */
  stacked?: boolean;
  /** Upper end of the axis where it is fixed, as for a share. */
  max?: number;
  format: (value: number) => string;
};

const heightPx = 190;
const bars = uPlot.paths.bars?.({ size: [0.85, 40] });
/** The series' colours in look/tokens.css. */
const colours = ['--series-1', '--series-2', '--series-3', '--series-4', '--series-5'];

/** A chart over time that is drawn anew with each update, with its size, and when the page turns dark or light. */
export class Chart {
  readonly figure: HTMLElement;
  readonly #options: ChartOptions;
  readonly #place = make('div', 'plot');
  readonly #empty = make('p', 'soft no-data', 'Nothing in this time.');
  #at: readonly number[] = [];
  #values: readonly Values[] = [];
  #plot: uPlot | null = null;

  constructor(options: ChartOptions) {
    this.#options = options;
    this.figure = make('figure', 'panel chart', make('figcaption', null, options.title), this.#place, this.#empty);
    const fit = new ResizeObserver(() => {
      const width = this.#place.clientWidth;
      if (width > 0) this.#plot?.setSize({ width, height: heightPx }); // not while it is hidden
    });
    fit.observe(this.#place);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
  }

  /** Shows these values, a list for each series, of the steps that begin at these seconds since the epoch. */
  update(at: readonly number[], values: readonly Values[]): void {
    this.#at = at;
    this.#values = values;
    const hasData = values.some((list) => list.some((value) => value !== null && value > 0));
    this.#place.hidden = !hasData;
    this.#empty.hidden = hasData;
    if (!hasData) return;
    if (this.#plot === null) this.#draw();
    else this.#plot.setData(this.#data());
    this.#describe();
  }

  #draw(): void {
    if (this.#at.length === 0 || this.#place.hidden) return;
    this.#plot?.destroy();
    const { series, stacked, format } = this.#options;
    const ink = resolved('--ink-soft');
    const line = resolved('--line');
    const grid = { stroke: line, width: 1 };
    const axis = { stroke: ink, grid, ticks: grid, font: '11px system-ui, sans-serif' };
    const lines: uPlot.Series[] = series.map((label, index) => {
      const stroke = resolved(colours[index] ?? '--ink');
      // What is drawn of a stack is a sum; what is told of it is the part, the latest where nobody points.
      const value = (_: uPlot, __: number, ___: number, step: number | null) => {
        const part = (step === null ? this.#latest(index) : this.#values[index]?.[step]) ?? null;
        return part === null ? '–' : format(part);
      };
      if (stacked)
        return { label, value, stroke, width: 0, fill: stroke, points: { show: false }, ...(bars && { paths: bars }) };
      // A value between two gaps has no line to be seen by.
      const points = { size: 5, fill: stroke, filter: (): number[] => alone(this.#values[index] ?? []) };
      return { label, value, stroke, width: 2, points };
    });
    this.#plot = new uPlot(
      {
        width: this.#place.clientWidth,
        height: heightPx,
        series: [{ label: 'At', value: (_, seconds) => momentOf(seconds ?? this.#at.at(-1) ?? 0) }, ...lines],
        axes: [
          {
            ...axis,
            space: 70,
            size: 32,
            values: (_, ticks, __, ___, apart) => ticks.map((tick) => tickOf(tick, apart)),
          },
          { ...axis, size: 64, values: (_, ticks) => ticks.map(format) },
        ],
        scales: { y: { range: (_, __, most) => [0, this.#options.max ?? (most > 0 ? most * 1.08 : 1)] } },
        cursor: { y: false, drag: { x: false, y: false } },
      },
      this.#data(),
      this.#place,
    );
    this.#describe();
  }

  /** A stack is drawn from its whole down, so that each part covers what is above it. */
  #data(): uPlot.AlignedData {
    const { stacked } = this.#options;
    const drawn = stacked ? this.#values.map((_, index) => sums(this.#values.slice(index))) : this.#values;
    return [this.#at, ...drawn] as uPlot.AlignedData;
  }

  /** The last value of a series that is one. */
  #latest(index: number): number | null {
    return this.#values[index]?.findLast((candidate) => candidate !== null) ?? null;
  }

  /** What a canvas says to those who do not see it: the last value of each series. */
  #describe(): void {
    const { title, series, format } = this.#options;
    const last = series.map((name, index) => {
      const value = this.#latest(index);
      return `${name} ${value === null ? 'none' : format(value)}`;
    });
    const canvas = this.#place.querySelector('canvas');
    canvas?.setAttribute('role', 'img');
    canvas?.setAttribute('aria-label', `${title}, most recently: ${last.join(', ')}`);
  }
}

function sums(lists: readonly Values[]): number[] {
  return (lists[0] ?? []).map((_, step) => lists.reduce((sum, list) => sum + (list[step] ?? 0), 0));
}

/** A colour of the page as it is now: a canvas knows nothing of custom properties. */
function resolved(property: string): string {
  const probe = make('span', null);
  probe.style.color = `var(${property})`;
  document.body.appendChild(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Where a value stands between two steps that have none. */
function alone(values: Values): number[] {
  const has = (step: number) => (values[step] ?? null) !== null;
  return values.flatMap((_, step) => (has(step) && !has(step - 1) && !has(step + 1) ? [step] : []));
}

function momentOf(seconds: number): string {
  return localTime(seconds, { weekday: 'short', hour: '2-digit', minute: '2-digit' });
}

/** A tick of the time axis: the day where ticks are days apart, else the time of day. */
function tickOf(seconds: number, apartSeconds: number): string {
  const isDay = apartSeconds >= 86_400;
  return localTime(seconds, isDay ? { weekday: 'short', day: 'numeric' } : { hour: '2-digit', minute: '2-digit' });
}

function localTime(seconds: number, format: Intl.DateTimeFormatOptions): string {
  return new Date(seconds * 1000).toLocaleString('en-GB', format);
}
