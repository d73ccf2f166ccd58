import { z } from 'zod';

/** The part of a recorded result that its table is made of. */
const Recorded = z.object({
  taken: z.object({
    at: z.string(),
    commit: z.string(),
    machine: z.object({ cpu: z.string(), cores: z.number() }),
    load: z.object({ before: z.number(), after: z.number() }),
  }),
  bounds: z.array(z.object({ what: z.string(), measured: z.number(), bound: z.string(), met: z.boolean() })),
});

const begin = (name: string) => `<!-- recorded: ${name} -->`;
const end = '<!-- end -->';

/** A page with what stands between `<!-- recorded: name -->` and `<!-- end -->` made anew from the result of that name. */
export function withTables(page: string, resultOf: (name: string) => unknown): string {
  return page.replaceAll(/<!-- recorded: ([\w-]+) -->[\s\S]*?<!-- end -->/g, (_, name: string) => {
    const result = resultOf(name);
    const table = result === null ? 'Not recorded yet.' : tableOf(Recorded.parse(result));
    return `${begin(name)}\n\n${table}\n\n${end}`;
  });
}

function tableOf({ taken, bounds }: z.infer<typeof Recorded>): string {
  const { machine, load } = taken;
  const where = `${taken.at.slice(0, 16).replace('T', ' ')} UTC, commit ${taken.commit.slice(0, 7)}, ${machine.cores} cores (${machine.cpu})`;
  const others = `load ${load.before} before and ${load.after} after`;
  const caption = `Recorded ${where}, ${others}.`;
  if (bounds.length === 0) return caption;
  const rows = bounds.map(
    ({ what, measured, bound, met }) => `| ${what} | ${measured} | ${bound}${met ? '' : ' (**missed**)'} |`,
  );
  return [caption, '', '| | measured | bound |', '| --- | --- | --- |', ...rows].join('\n');
}
