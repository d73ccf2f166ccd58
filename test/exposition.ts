/** A metrics page as a scraper reads it: the type of each metric, and the value of each series by its text. */
export type Scrape = { types: Map<string, string>; series: Map<string, number> };

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (\S+)$/;

/**
 * Reads the Prometheus text format 0.0.4 and throws an Error at what a scraper would refuse: an unknown line, a sample
 * of an undeclared metric, one that is there twice, a histogram whose buckets do not grow up to its count.
 */
export function parseExposition(text: string): Scrape {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const types = new Map<string, string>();
  const series = new Map<string, number>();
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue; // the format ignores empty lines
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword === 'HELP' && metricName.test(name)) continue;
    if (keyword === 'TYPE' && metricName.test(name) && ['counter', 'gauge', 'histogram'].includes(rest)) {
      if (types.has(name)) throw new Error(`${name} is declared twice`);
      types.set(name, rest);
      continue;
    }
    const [, of = '', labels = '', value = ''] = sample.exec(line) ?? [];
    const number = value === '' ? NaN : Number(value);
    if (Number.isNaN(number)) throw new Error(`no sample: ${line}`);
    const part = types.has(of) ? of : of.replace(/_(bucket|sum|count)$/, '');
    if (!types.has(part)) throw new Error(`${of} is not declared`);
    if (series.has(of + labels)) throw new Error(`${of}${labels} is there twice`);
    series.set(of + labels, number);
  }
  for (const [name, type] of types) if (type === 'histogram') checkHistogram(name, series);
  return { types, series };
}

function checkHistogram(name: string, series: ReadonlyMap<string, number>): void {
  const last = new Map<string, number>();
  for (const [text, value] of series) {
    if (!text.startsWith(`${name}_bucket{`)) continue;
    const labels = text
      .slice(`${name}_bucket`.length)
      .replace(/(?<=\{)le="[^"]*",?|,le="[^"]*"/, '')
      .replace('{}', '');
    if (value < (last.get(labels) ?? 0)) throw new Error(`${text} is less than the bucket before it`);
    last.set(labels, value);
    if (text.includes('le="+Inf"') && series.get(`${name}_count${labels}`) !== value) {
      throw new Error(`${name}${labels} has another count than its last bucket`);
    }
  }
}
