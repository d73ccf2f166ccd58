import { surfaceKeysOf, type StoredBlob, type MeshManifest } from '../../contract/mesh.ts';

/**
 * What meshes can be found by: their picture, a blob of theirs (asset or thumbnail), their model, surface or tag. The
 * blobs of private meshes have entries of their own: they lie elsewhere, and must not hold a shared blob of the same bytes.
 */
export type IndexedBy = 'image' | 'blob' | 'private-blob' | 'model' | 'geometry' | 'tag';

/** Entries that one listing gives at most; R2 takes as many names in one delete. */
const listedMax = 1000;

/** One line of the index. */
export type IndexEntry = { by: IndexedBy; value: string; key: string };

/**
 * Empty objects `index/<by>/<value>/<key>` in R2. They say which meshes use a blob, strongly consistently, so that no
 * purge takes bytes from a mesh that stays. One whose manifest is gone means nothing.
 */
export class Entries {
  readonly #r2: R2Bucket;

  constructor(r2: R2Bucket) {
    this.#r2 = r2;
  }

  /** Makes a stored mesh findable by all that it is made of and consists of. */
  async write(manifest: MeshManifest): Promise<void> {
    const fromFlight = new Set(flightEntries(manifest));
    // Only the flight's are likely to be there.
    const write = (name: string) => (fromFlight.has(name) ? this.#keep(name) : this.#create(name));
    await Promise.all(entriesOf(manifest).map(write));
  }

  /** Makes a mesh that is not made yet findable by its picture and model, so that a purge can end its flight. */
  async writeFlight(flight: FlightMesh): Promise<void> {
    await Promise.all(flightEntries(flight).map((name) => this.#create(name)));
  }

  /** Makes a mesh findable by a tag. */
  writeTag(tagged: { tag: string; key: string }): Promise<void> {
    return this.#keep(tagEntry(tagged));
  }

  /** Writes an entry that is likely to be there: that is left alone, and a look costs less than a write. */
  async #keep(name: string): Promise<void> {
    if ((await this.#r2.head(name)) === null) await this.#create(name);
  }

  /** Writes an entry. R2 takes one write a second for a name, so one that is refused may be there already. */
  async #create(name: string): Promise<void> {
    try {
      await this.#r2.put(name, '');
    } catch (error) {
      if ((await this.#r2.head(name)) === null) throw error;
    }
  }

  /** One page of all tags in the order of their entries' names, after one of them (null: from the first). */
  async tags({
    after,
    max,
  }: {
    after: string | null;
    max: number;
  }): Promise<{ tags: { name: string; tag: string; key: string }[]; more: boolean }> {
    const page = await this.#r2.list({ prefix: tagsPrefix, limit: max, ...(after !== null && { startAfter: after }) });
    const tags = page.objects.map(({ key: name }) => {
      const [tag = '', key = ''] = name.slice(tagsPrefix.length).split('/');
      return { name, tag: decodeURIComponent(tag), key };
    });
    return { tags, more: page.truncated };
  }

  /** Removes the entries of a manifest that is gone, but for those that the one in its place (null: none) has too. */
  async removeOf(gone: MeshManifest, inPlace: MeshManifest | null): Promise<void> {
    const kept = inPlace === null ? [] : entriesOf(inPlace);
    const left = entriesOf(gone).filter((name) => !kept.includes(name));
    if (left.length > 0) await this.#r2.delete(left);
  }

  /** Removes one entry, of a manifest that may be gone or damaged. */
  async remove({ by, value, key }: IndexEntry): Promise<void> {
    await this.#r2.delete(prefixOf(by, value) + key);
  }

  /** Request keys of meshes with this picture, blob or model: at most `max`, and whether there are more. */
  async keys({
    by,
    value,
    max,
  }: {
    by: IndexedBy;
    value: string;
    max: number;
  }): Promise<{ keys: string[]; more: boolean }> {
    const prefix = prefixOf(by, value);
    const { objects, truncated } = await this.#r2.list({ prefix, limit: Math.min(max, listedMax) });
    return { keys: objects.map(({ key }) => key.slice(prefix.length)), more: truncated };
  }

  /** Removes entries of tags by their names. */
  async removeTags(names: readonly string[]): Promise<void> {
    for (let at = 0; at < names.length; at += listedMax) await this.#r2.delete(names.slice(at, at + listedMax));
  }
}

/** Name of the entry of a tag. */
export function tagEntry({ tag, key }: { tag: string; key: string }): string {
  return prefixOf('tag', tag) + key;
}

/** The blobs of a mesh. */
export function blobsOf({ asset, thumbnail }: MeshManifest): readonly StoredBlob[] {
  return thumbnail === null ? [asset] : [asset, thumbnail];
}

/** Digests of all that a mesh was made of and consists of; none may have been taken down. */
export function digestsOf(manifest: MeshManifest): string[] {
  return [...pictureDigestsOf(manifest), ...blobsOf(manifest).map(({ sha256 }) => sha256)];
}

/** Digests of the pictures that a mesh was made of: what came with the request, and what was made of a prompt. */
function pictureDigestsOf({ imageSha256, source }: MeshManifest): readonly string[] {
  return source === undefined ? [imageSha256] : [imageSha256, source.imageSha256];
}

/** What is known of a mesh before it is made; the model by its id. */
type FlightMesh = Pick<MeshManifest, 'key' | 'imageSha256' | 'model'>;

function flightEntries({ key, imageSha256, model }: FlightMesh): string[] {
  return [prefixOf('image', imageSha256) + key, prefixOf('model', model) + key];
}

function entriesOf(manifest: MeshManifest): string[] {
  const by = manifest.owner === undefined ? 'blob' : 'private-blob';
  const blobs = blobsOf(manifest).map(({ sha256 }) => prefixOf(by, sha256));
  const pictures = pictureDigestsOf(manifest).map((sha256) => prefixOf('image', sha256));
  const surfaces = surfaceKeysOf(manifest).map((key) => prefixOf('geometry', key));
  const prefixes = [...pictures, prefixOf('model', manifest.model), ...blobs, ...surfaces];
  return prefixes.map((prefix) => prefix + manifest.key);
}

const tagsPrefix = 'index/tag/';

function prefixOf(by: IndexedBy, value: string): string {
  // A tag is any text of the client's: its slashes must not end the prefix, nor can R2 name a lone surrogate.
  return `index/${by}/${by === 'tag' ? encodeURIComponent(value.toWellFormed()) : value}/`;
}
