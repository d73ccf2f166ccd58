import { makesMeshes } from '../../contract/model.ts';
import { createInOrder } from '../disk/in-order.ts';
import { log } from '../log.ts';
import { sameContent, type ModelContent } from '../families/family.ts';
import type { ServerManifest } from '../families/http-mesh.ts';
import type { GraphManifest } from '../families/manifest.ts';
import { isGraphModel, isServerModel, readRepository, type ModelFault, type StoredModel } from './repository.ts';

/** What runs models of one kind: it holds exactly those that it was last given. */
type Host<Manifest> = {
  /** Ends when each model was tried once. */
  setModels(models: readonly StoredModel<Manifest>[]): Promise<void>;
  /** Why a model cannot be run at present; null when it can. */
  faultOf(model: { digest: string }): string | null;
};

/** Runs graphs on this machine's devices. */
type GraphHost = Host<GraphManifest> & {
  /** True when some device holds the model. */
  serves(model: ModelContent): boolean;
  /** True when some device can take work. */
  readonly up: boolean;
};

/** The models of the repository as the GPU pool serves them; read again whenever the operator says so. */
export class Models {
  readonly #folder: string;
  readonly #pool: GraphHost;
  readonly #servers: Host<ServerManifest>;
  readonly #inOrder = createInOrder();
  #stored: readonly StoredModel[] = [];

  constructor(options: { folder: string; pool: GraphHost; servers: Host<ServerManifest> }) {
    this.#folder = options.folder;
    this.#pool = options.pool;
    this.#servers = options.servers;
  }

  /** Models whose files are right; a job of one that no device holds at present waits or hears why. */
  get stored(): readonly StoredModel[] {
    return this.#stored;
  }

  /** Models whose files are right and which some device could load, or whose server works. */
  get served(): readonly StoredModel[] {
    return this.#stored.filter((model) =>
      isServerModel(model) ? this.#servers.faultOf(model) === null : this.#pool.serves(model),
    );
  }

  /** True when meshes can be made with the model of this id and content. */
  makes(wanted: ModelContent): boolean {
    return this.served.some((model) => sameContent(model, wanted) && makesMeshes(model.manifest));
  }

  /** Why no mesh can be made now, whatever the model; null when one can. */
  get unreadiness(): string | null {
    if (!this.served.some(({ manifest }) => makesMeshes(manifest))) return 'No model that makes meshes is loaded';
    if (this.served.some(isServerModel)) return null;
    return this.#pool.up ? null : 'No device is up';
  }

  /** Reads the repository, loads what is new, drops what is gone; gives what is served then and what is wrong. */
  reload(): Promise<{ models: string[]; faults: ModelFault[] }> {
    return this.#inOrder('reload', async () => {
      const { models, faults } = await readRepository(this.#folder);
      this.#stored = models;
      await Promise.all([
        this.#pool.setModels(models.filter(isGraphModel)),
        this.#servers.setModels(models.filter(isServerModel)),
      ]);
      const unloadable = models.flatMap((model) => {
        const message = isServerModel(model) ? this.#servers.faultOf(model) : this.#pool.faultOf(model);
        return message === null ? [] : [{ file: model.folder, message }];
      });
      faults.push(...unloadable);
      for (const { file, message } of faults) log('model refused', { file, message });
      const served = this.served.map(({ id }) => id);
      log('models loaded', { models: served.join(' '), refused: faults.length });
      return { models: served, faults };
    });
  }
}
