import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'vite';

/** The programs whose sources are searched for defences. */
const programs = '{contract,client,edge,gpu-origin,local}/**/*.ts';

const mark = /^ defence: (\S+) ?$/;

/** Where a defence stands: from its first character to the one after its last. */
export type Defence = { id: string; file: string; start: number; end: number };

/**
 * The defences that the sources of the repository in `root` mark with a comment, `defence: API1-3`. The comment stands
 * on a line before a statement, or within a line before an expression. It marks the longest piece of syntax that begins
 * right after it. Throws for a comment with nothing after it.
 */
export function markedDefences(root: string): Defence[] {
  return globSync(programs, { cwd: root }).flatMap((file) => {
    const source = readFileSync(join(root, file), 'utf8');
    return source.includes('defence:') ? defencesIn(file, source) : [];
  });
}

/** The source with the defence gone, and what is `instead` in its place, where `$&` stands for the defence itself. */
export function withoutDefence(source: string, { start, end }: Defence, instead: string): string {
  const replacement = instead.replaceAll('$&', () => source.slice(start, end));
  return source.slice(0, start) + replacement + source.slice(end);
}

/** The marked defences of one source. */
export function defencesIn(file: string, source: string): Defence[] {
  const { program, comments } = parseSync(file, source);
  const ends = longestEnds(program);
  return comments.flatMap(({ value, end: commentEnd }) => {
    const [, id] = mark.exec(value) ?? [];
    if (id === undefined) return [];
    const start = commentEnd + source.slice(commentEnd).search(/\S/);
    const end = ends.get(start);
    if (end === undefined) throw new Error(`${file}: nothing begins after the comment "defence: ${id}"`);
    return [{ id, file, start, end }];
  });
}

/** The end of the longest node that begins at each place. */
function longestEnds(program: object): Map<number, number> {
  const ends = new Map<number, number>();
  const pending: unknown[] = [program];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (typeof node !== 'object' || node === null) continue;
    if ('start' in node && 'end' in node && typeof node.start === 'number' && typeof node.end === 'number') {
      ends.set(node.start, Math.max(ends.get(node.start) ?? 0, node.end));
    }
    pending.push(...Object.values(node));
  }
  return ends;
}
