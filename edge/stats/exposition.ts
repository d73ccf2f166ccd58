/** A value with its labels; `suffix` is that of a histogram's parts. */
export type Sample = {
  labels: Readonly<Record<string, string>>;
  value: number;
  suffix?: '_bucket' | '_sum' | '_count';
};

/** A Prometheus metric. It is declared even when it has no samples. */
export type Metric = {
  name: string;
  help: string;
  type: 'counter' | 'gauge' | 'histogram';
  samples: readonly Sample[];
};

/** Media type of the Prometheus text format 0.0.4, which every scraper reads. */
export const expositionType = 'text/plain; version=0.0.4; charset=utf-8';

/** Metrics in the Prometheus text format; names and help texts are our own and need no escapes. */
export function exposition(metrics: readonly Metric[]): string {
  const blocks = metrics.map(({ name, help, type, samples }) =>
    [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...samples.map(({ labels, value, suffix = '' }) => `${name}${suffix}${labelText(labels)} ${value}`),
    ].join('\n'),
  );
  return `${blocks.join('\n')}\n`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
