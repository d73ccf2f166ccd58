import { attacks, groups, type Attack } from './attacks.ts';

/** The table of docs/security.md, as it must stand there. */
export function attackTable(): string {
  return Object.entries(groups)
    .map(([group, title]) => {
      const rows = attacks.filter((attack) => attack.group === group).map(rowOf);
      return [
        `### ${group}: ${title}`,
        '',
        '| attack | comes in by | defence | shown by |',
        '| --- | --- | --- | --- |',
        ...rows,
      ].join('\n');
    })
    .join('\n\n');
}

function rowOf({ attack, entries, defence, test: [file, name] }: Attack): string {
  const places = entries.map((entry) => (/^[A-Z]+ \//.test(entry) ? `\`${entry}\`` : entry));
  return `| ${attack} | ${places.join(', ')} | [${defence}](../${defence}) | ${name} ([test](../${file})) |`;
}
