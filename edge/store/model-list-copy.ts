const kvKey = 'models';
const kvTtlSeconds = 30; // the least that KV allows

/** The copy of the model list, in KV: every location can read it with every origin, and the Fleet, out of reach. */
export class ModelListCopy {
  readonly #kv: KVNamespace;

  constructor(kv: KVNamespace) {
    this.#kv = kv;
  }

  async write(list: object): Promise<void> {
    await this.#kv.put(kvKey, JSON.stringify(list));
  }

  /** The copy as it was written, null when there is none. */
  read(): Promise<unknown> {
    return this.#kv.get(kvKey, { type: 'json', cacheTtl: kvTtlSeconds });
  }
}
