/** What was found in the place of a blob's bytes. */
export type DamageNote = { blobKey: string; foundSha256: string; sizeBytes: number; etag: string; atMs: number };

/** Notes on damaged blobs, for the operator: `quarantine/<sha256>.json` in R2. */
export class DamageNotes {
  readonly #r2: R2Bucket;

  constructor(r2: R2Bucket) {
    this.#r2 = r2;
  }

  async write(sha256: string, note: DamageNote): Promise<void> {
    await this.#r2.put(nameOf(sha256), JSON.stringify(note));
  }

  /** Removes the note on a blob whose bytes are gone. */
  async remove(sha256: string): Promise<void> {
    await this.#r2.delete(nameOf(sha256));
  }
}

function nameOf(sha256: string): string {
  return `quarantine/${sha256}.json`;
}
