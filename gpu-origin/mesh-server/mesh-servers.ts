import { log } from '../log.ts';
import { notServed } from '../models/not-served.ts';
import type { ServerManifest } from '../families/http-mesh.ts';
import type { AskServer, ModelOf } from '../families/family.ts';
import { MeshServer } from './mesh-server.ts';

/** Time between two looks at a server's health. */
const healthMs = 5000;

type ServerModel = ModelOf<ServerManifest>;
type Known = { model: ServerModel; server: MeshServer; fault: string | null };

type MeshServersOptions = {
  /** Called when a server began to work, or stopped. */
  onChange: () => void;
  onAnswer: (answer: { model: string; ms: number }) => void;
};

/** The servers of all models of family http-mesh, and whether they work. */
export class MeshServers {
  readonly #options: MeshServersOptions;
  /** By manifest digest. */
  readonly #known = new Map<string, Known>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: MeshServersOptions) {
    this.#options = options;
  }

  /** Asks exactly the servers of these models; ends when each was looked at once. */
  async setModels(models: readonly ServerModel[]): Promise<void> {
    for (const [digest, { server }] of this.#known) {
      if (models.some((model) => model.digest === digest)) continue;
      this.#known.delete(digest);
      await server.close();
    }
    for (const model of models) {
      if (this.#known.has(model.digest)) continue;
      this.#known.set(model.digest, { model, server: new MeshServer(model.manifest.server), fault: null });
    }
    clearTimeout(this.#timer);
    await this.#look();
  }

  /** Why a model's server cannot be asked at present; null when it can. */
  faultOf(model: { digest: string }): string | null {
    const known = this.#known.get(model.digest);
    return known === undefined ? 'it is not in the repository' : known.fault;
  }

  readonly ask: AskServer = async ({ model: { id, digest }, picture, params, signal }) => {
    const known = this.#known.get(digest);
    if (known === undefined) throw notServed(id);
    const { seed = null, mc_resolution = null } = params;
    const answer = await known.server.ask({ picture, seed, mc_resolution }, signal);
    this.#options.onAnswer({ model: id, ms: answer.ms });
    return answer;
  };

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all([...this.#known.values()].map(({ server }) => server.close()));
    this.#known.clear();
  }

  async #look(): Promise<void> {
    await Promise.all(
      [...this.#known.values()].map(async (known) => {
        const fault = await known.server.fault();
        const changed = (fault === null) !== (known.fault === null);
        known.fault = fault;
        if (!changed) return;
        log('mesh server', { model: known.model.id, works: fault === null, cause: fault });
        this.#options.onChange();
      }),
    );
    clearTimeout(this.#timer); // of a look that began beside this one, and has ended before it
    if (this.#known.size > 0) this.#timer = setTimeout(() => void this.#look(), healthMs);
  }
}
