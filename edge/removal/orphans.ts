import { privateBlob, type BlobPlace } from '../store/blobs.ts';
import type { Page } from '../store/page.ts';
import { removeUnusedBlob } from './unused-blob.ts';
import type { SweepOptions } from './sweep-options.ts';

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
  const { index } = options;
  const place = `sweep_${kind}`;
  const after = (await index.readState(place)) || null;
  const page = await pageOf(kind, { after, max: lookedAtMax[kind] }, options);
  const old = page.objects.filter(({ uploadedMs }) => Date.now() - uploadedMs > orphanAgeMsMin);
  const removed = await removeOrphans[kind](
    old.map(({ name }) => name),
    options,
  );
  await index.writeState(place, page.next ?? '');
  return removed;
}

function pageOf(
  kind: OrphanKind,
  from: { after: string | null; max: number },
  { inputs, surfaces, blobs }: SweepOptions,
): Promise<Page> {
  if (kind === 'inputs') return inputs.page(from);
  return kind === 'geometry' ? surfaces.page(from) : blobs.page(kind, from);
}

/** Removes those of one page's objects, by their names within their kind, that nothing needs; their number. */
const removeOrphans: Readonly<Record<OrphanKind, (names: string[], options: SweepOptions) => Promise<number>>> = {
  /** One that is half as old is put anew for a new flight. */
  async inputs(names, { inputs }) {
    await inputs.remove(names);
    return names.length;
  },
  /** A mesh that takes a surface as it goes is whole without it. */
  async geometry(names, { entries, geometry }) {
    const named = await Promise.all(names.map((value) => entries.keys({ by: 'geometry', value, max: 1 })));
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
  options: SweepOptions,
): Promise<number> {
  const remove = (blob: BlobPlace) => removeUnusedBlob(blob, { ...options, remove: () => options.blobs.remove(blob) });
  const removed = await Promise.all(names.map((name) => remove(placeOf(name))));
  return removed.filter(Boolean).length;
}
