type Labels = Record<string, string>;
type Sample = { labels: Labels; value: number };
type Series = { name: string; help: string; type: 'counter' | 'gauge' | 'histogram'; lines: () => string[] };

/** A total that only grows, one a set of labels. */
export type Counter = { add: (labels?: Labels, by?: number) => void; total: (labels?: Labels) => number };

/** Counts of observed values below each bucket's bound. */
export type Histogram = { observe: (value: number, labels?: Labels) => void };

/** The program's series, rendered in the Prometheus text format 0.0.4. */
export class Registry {
  readonly #series: Series[] = [];

  counter(name: string, help: string): Counter {
    const totals = new Map<string, number>();
    const lines = () => [...totals].map(([labels, value]) => `${name}${labels} ${value}`);
    this.#series.push({ name, help, type: 'counter', lines });
    return {
      add: (labels = {}, by = 1) => {
        const text = labelText(labels);
        totals.set(text, (totals.get(text) ?? 0) + by);
      },
      total: (labels = {}) => totals.get(labelText(labels)) ?? 0,
    };
  }

  /** A value that is read when it is asked for; `type` is counter where another part keeps the total. */
  read(name: string, help: string, type: 'gauge' | 'counter', samples: () => Sample[]): void {
    const lines = () => samples().map(({ labels, value }) => `${name}${labelText(labels)} ${value}`);
    this.#series.push({ name, help, type, lines });
  }

  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    const observed = new Map<string, { labels: Labels; below: number[]; sum: number; count: number }>();
    const lines = () =>
      [...observed.values()].flatMap(({ labels, below, sum, count }) => [
        ...bounds.map((bound, i) => `${name}_bucket${labelText({ ...labels, le: String(bound) })} ${below[i] ?? 0}`),
        `${name}_bucket${labelText({ ...labels, le: '+Inf' })} ${count}`,
        `${name}_sum${labelText(labels)} ${sum}`,
        `${name}_count${labelText(labels)} ${count}`,
      ]);
    this.#series.push({ name, help, type: 'histogram', lines });
    return {
      observe: (value, labels = {}) => {
        const text = labelText(labels);
        const entry = observed.get(text) ?? { labels, below: bounds.map(() => 0), sum: 0, count: 0 };
        observed.set(text, entry);
        bounds.forEach((bound, i) => {
          if (value <= bound) entry.below[i] = (entry.below[i] ?? 0) + 1;
        });
        entry.sum += value;
        entry.count += 1;
      },
    };
  }

  /** The text of `GET /metrics`. */
  text(): string {
    const blocks = this.#series.map(({ name, help, type, lines }) =>
      [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines()].join('\n'),
    );
    return `${blocks.join('\n')}\n`;
  }
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
