import { indexedKeys } from '../cache/index-entries.ts';
import { manifestKey } from '../cache/manifest-text.ts';
import type { SweepOptions } from './sweep.ts';

/** Objects that something else must need: pictures of misses, surfaces, and the blobs of shared and private meshes. */
export const orphanKinds = ['inputs', 'geometry', 'blobs', 'private'] as const;
type OrphanKind = (typeof orphanKinds)[number];

/** Objects of one kind that one run looks at: an input takes no further call, the others one each. */
const lookedAtMax: Readonly<Record<OrphanKind, number>> = { inputs: 1000, geometry: 200, blobs: 200, private: 200 };

/** A younger object may belong to a flight: flights end within 6 h, and origins send again what they sent before. */
const orphanAgeMsMin = 24 * 3600 * 1000;

/** Removes objects of one kind that nothing needs, from where the last run stopped; their number. */
export async function sweepOrphans(kind: OrphanKind, { r2, index, geometry }: SweepOptions): Promise<number> {
  const prefix = `${kind}/`;
  const place = `sweep_${kind}`;
  const after = (await index.readState(place)) ?? '';
  const page = await r2.list({ prefix, limit: lookedAtMax[kind], ...(after !== '' && { startAfter: after }) });
  const old = page.objects.filter(({ uploaded }) => Date.now() - uploaded.getTime() > orphanAgeMsMin);
  const needed = await Promise.all(old.map(({ key }) => isNeeded(kind, key.slice(prefix.length), r2)));
  const orphans = old.flatMap(({ key }, at) => (needed[at] ? [] : [key]));
  if (kind === 'geometry') await geometry.remove(orphans.map((name) => name.slice(prefix.length)));
  else if (orphans.length > 0) await r2.delete(orphans);
  await index.writeState(place, page.truncated ? (page.objects.at(-1)?.key ?? '') : '');
  return orphans.length;
}

async function isNeeded(kind: OrphanKind, name: string, r2: R2Bucket): Promise<boolean> {
  if (kind === 'inputs') return false; // one that is half as old is put anew for a new flight
  if (kind === 'private') return (await r2.head(manifestKey(name.split('/')[0] ?? ''))) !== null;
  const by = kind === 'geometry' ? 'geometry' : 'blob';
  return (await indexedKeys(r2, { by, value: name, max: 1 })).keys.length > 0;
}
