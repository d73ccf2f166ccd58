import type { Stores } from '../store/stores.ts';
import type { MeshIndex } from './mesh-index.ts';
import { rowColumns, rowOf, type MeshRow } from './mesh-row.ts';

/** Meshes, or tags, that one page compares: each mesh takes up to three calls to R2. */
const pageMax = 200;

/** Where a page begins: after this name, null at the first. All meshes come before all tags. */
export type PageStart = { of: 'meshes' | 'tags'; after: string | null };

/** How the index and R2 compare on one page. */
export type IndexPage = {
  of: PageStart['of'];
  /** Lines that are equal, or were not in the index (or not so), or are in the index alone. */
  same: number;
  missing: number;
  stale: number;
  /** Keys of manifests in R2 that cannot be read. */
  damaged: string[];
  next: PageStart | null;
};

export type IndexPageOptions = { index: MeshIndex } & Pick<Stores, 'entries' | 'manifests' | 'surfaces'>;

/**
 * Compares one page of the index with R2, and with `repair` makes it equal: what is missing or differs is written, what
 * is stale removed. How often meshes were used is known to the index alone, and stays.
 */
export async function indexPage(
  start: PageStart,
  { repair }: { repair: boolean },
  options: IndexPageOptions,
): Promise<IndexPage> {
  return start.of === 'meshes' ? meshPage(start, repair, options) : tagPage(start, repair, options);
}

async function meshPage({ after }: PageStart, repair: boolean, options: IndexPageOptions): Promise<IndexPage> {
  const { index, manifests, surfaces } = options;
  // The index first: what it has then and R2 lacks afterwards was removed, since R2 is written before it.
  const db = await index.open();
  const { results: rows } = await db
    .prepare('SELECT * FROM meshes WHERE key > ? ORDER BY key LIMIT ?')
    .bind(after ?? '', pageMax)
    .all<MeshRow>();
  const { keys, more } = await manifests.keys({ after, max: pageMax });
  const end = endOf([
    { names: rows.map(({ key }) => key), more: rows.length === pageMax },
    { names: keys, more },
  ]);
  const stored = keys.filter((key) => end === null || key <= end);
  const read = await Promise.all(stored.map(async (key) => ({ key, manifest: await manifests.readKept(key) })));
  const truth = await Promise.all(read.flatMap(({ manifest }) => (manifest ? [rowOf(manifest, surfaces)] : [])));
  const indexed = new Map(rows.filter(({ key }) => end === null || key <= end).map((row) => [row.key, row]));
  const wrong = truth.filter((row) => !isSame(row, indexed.get(row.key)));
  const known = new Set(truth.map(({ key }) => key));
  const stale = [...indexed.keys()].filter((key) => !known.has(key));
  if (repair) {
    await index.write(wrong);
    await index.removeRows(stale);
  }
  return {
    of: 'meshes',
    same: truth.length - wrong.length,
    missing: wrong.length,
    stale: stale.length,
    damaged: read.flatMap(({ key, manifest }) => (manifest ? [] : [key])),
    next: end === null ? { of: 'tags', after: null } : { of: 'meshes', after: end },
  };
}

async function tagPage(
  { after }: PageStart,
  repair: boolean,
  { index, entries }: IndexPageOptions,
): Promise<IndexPage> {
  const db = await index.open();
  const { results: rows } = await db
    .prepare('SELECT name FROM tags WHERE name > ? ORDER BY name LIMIT ?')
    .bind(after ?? '', pageMax)
    .all<{ name: string }>();
  const { tags, more } = await entries.tags({ after, max: pageMax });
  const end = endOf([
    { names: rows.map(({ name }) => name), more: rows.length === pageMax },
    { names: tags.map(({ name }) => name), more },
  ]);
  const stored = tags.filter(({ name }) => end === null || name <= end);
  const indexed = new Set(rows.flatMap(({ name }) => (end === null || name <= end ? [name] : [])));
  const missing = stored.filter(({ name }) => !indexed.has(name));
  const known = new Set(stored.map(({ name }) => name));
  const stale = [...indexed].filter((name) => !known.has(name));
  if (repair) {
    await index.writeTags(missing);
    const list = JSON.stringify(stale);
    await db.prepare('DELETE FROM tags WHERE name IN (SELECT value FROM json_each(?))').bind(list).run();
  }
  return {
    of: 'tags',
    same: stored.length - missing.length,
    missing: missing.length,
    stale: stale.length,
    damaged: [],
    next: end === null ? null : { of: 'tags', after: end },
  };
}

/** The last name up to which every list is whole, null when all of them have ended. */
function endOf(lists: readonly { names: readonly string[]; more: boolean }[]): string | null {
  const lasts = lists.flatMap(({ names, more }) => (more ? names.slice(-1) : []));
  return lasts.toSorted()[0] ?? null;
}

function isSame(row: MeshRow, indexed: MeshRow | undefined): boolean {
  return indexed !== undefined && rowColumns.every((column) => row[column] === indexed[column]);
}
