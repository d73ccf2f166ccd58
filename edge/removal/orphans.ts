import { blobKey, type BlobPlace } from '../store/blobs.ts';
import { indexedKeys } from '../store/index-entries.ts';
import { removeUnusedBlob } from './unused-blob.ts';
import type { SweepOptions } from './sweep.ts';

/** Objects that something else must need: pictures of misses, surfaces, and the blobs of shared and private meshes. */
export const orphanKinds = ['inputs', 'geometry', 'blobs', 'private'] as const;
type OrphanKind = (typeof orphanKinds)[number];

/**
 * Objects of one kind that one run looks at: an input takes no further call, a surface one, a blob one and some more
 * when it goes.
 */
const lookedAtMax: Readonly<Record<OrphanKind, number>> = { inputs: 1000, geometry: 200, blobs: 200, private: 200 };

/** A younger object may belong to a flight: flights end within 6 h, and origins send again what they sent before. */
const orphanAgeMsMin = 24 * 3600 * 1000;

/** Removes objects of one kind that nothing needs, from where the last run stopped; their number. */
export async function sweepOrphans(kind: OrphanKind, options: SweepOptions): Promise<number> {
  const { r2, index } = options;
  const prefix = `${kind}/`;
  const place = `sweep_${kind}`;
  const after = (await index.readState(place)) ?? '';
  const page = await r2.list({ prefix, limit: lookedAtMax[kind], ...(after !== '' && { startAfter: after }) });
  const old = page.objects.filter(({ uploaded }) => Date.now() - uploaded.getTime() > orphanAgeMsMin);
  const names = old.map(({ key }) => key.slice(prefix.length));
  const removed = await removeOrphans[kind](names, options);
  await index.writeState(place, page.truncated ? (page.objects.at(-1)?.key ?? '') : '');
  return removed;
}

/** Removes those of one page's objects, by their names within their kind, that nothing needs; their number. */
const removeOrphans: Readonly<Record<OrphanKind, (names: string[], options: SweepOptions) => Promise<number>>> = {
  /** One that is half as old is put anew for a new flight. */
  async inputs(names, { r2 }) {
    if (names.length > 0) await r2.delete(names.map((name) => `inputs/${name}`));
    return names.length;
  },
  /** A mesh that takes a surface as it goes is whole without it. */
  async geometry(names, { r2, geometry }) {
    const named = await Promise.all(names.map((value) => indexedKeys(r2, { by: 'geometry', value, max: 1 })));
    const orphans = names.filter((_, at) => named[at]?.keys.length === 0);
    await geometry.remove(orphans);
    return orphans.length;
  },
  blobs: (names, options) => removeBlobs(names, (sha256) => ({ sha256 }), options),
  private: (names, options) => removeBlobs(names, privateBlob, options),
};

async function removeBlobs(
  names: readonly string[],
  placeOf: (name: string) => BlobPlace,
  { r2, manifests }: SweepOptions,
): Promise<number> {
  const remove = (blob: BlobPlace) => removeUnusedBlob(blob, { r2, manifests, remove: () => r2.delete(blobKey(blob)) });
  const removed = await Promise.all(names.map((name) => remove(placeOf(name))));
  return removed.filter(Boolean).length;
}

function privateBlob(name: string): BlobPlace {
  const [privateTo = '', sha256 = ''] = name.split('/');
  return { sha256, privateTo };
}
