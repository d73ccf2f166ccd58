import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const pages = globSync(['*.md', '{bench,docs,examples,models,training,deploy}/**/*.md'], { cwd: root });

test('every link of a page leads to a file, and to a heading where it names one', () => {
  const broken = pages.flatMap((page) =>
    linksOf(page)
      .filter((link) => !leads(page, link))
      .map((link) => `${page}: ${link}`),
  );
  expect(broken).toEqual([]);
});

test('every file that the pages name in code exists', () => {
  const named = /`((?:contract|client|edge|gpu-origin|local|bench|test|docs|tools)\/[\w./-]+\.(?:ts|md|json))`/g;
  const broken = pages
    .filter((page) => !page.startsWith('bench/notes/'))
    .flatMap((page) =>
      [...read(page).matchAll(named)]
        .map(([, file = '']) => ({ page, file }))
        .filter(({ file }) => !existsSync(join(root, file))),
    );
  expect(broken).toEqual([]);
});

/** Targets of links to this repository. */
function linksOf(page: string): string[] {
  return [...read(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link));
}

function leads(page: string, link: string): boolean {
  const [path = '', heading] = link.split('#');
  const file = path === '' ? page : join(dirname(page), path);
  if (!existsSync(join(root, file))) return false;
  return heading === undefined || !file.endsWith('.md') || headingsOf(file).includes(heading);
}

/** The names by which a page's headings and anchors are linked to. */
function headingsOf(page: string): string[] {
  const anchors = [...read(page).matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id);
  const headings = [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} -]/gu, '')
      .replaceAll(' ', '-'),
  );
  return [...headings, ...anchors];
}

function read(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}
