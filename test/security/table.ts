import { attacks, groups, groupOf, type Attack } from './attacks.ts';

/** The table of docs/security.md, as it must stand there. */
export function attackTable(): string {
  return Object.entries(groups)
    .map(([group, title]) => {
      const rows = attacks.filter((attack) => groupOf(attack) === group).map(rowOf);
      return [
        `### ${group}: ${title}`,
        '',
        '| defence | attack | comes in by | shown by |',
        '| --- | --- | --- | --- |',
        ...rows,
      ].join('\n');
    })
    .join('\n\n');
}

function rowOf({ id, attack, entries, test: [file, name] }: Attack): string {
  const places = entries.map((entry) => (/^[A-Z]+ \//.test(entry) ? `\`${entry}\`` : entry));
  return `| ${id} | ${attack} | ${places.join(', ')} | ${name} ([test](../${file})) |`;
}
