import type { ModelFamily } from '../../contract/model.ts';
import type { GpuPool } from '../compute/gpu-pool.ts';
import { createInOrder } from '../disk/in-order.ts';
import { log } from '../log.ts';
import type { MeshServers } from '../mesh-server/mesh-servers.ts';
import { isGraphModel, isServerModel, readRepository, type ModelFault, type StoredModel } from './repository.ts';

/** Matting models work inside the pipeline only. */
function makesMeshes(family: ModelFamily): boolean {
  return family !== 'matting';
}

/** The models of the repository as the GPU pool serves them; read again whenever the operator says so. */
export class Models {
  readonly #folder: string;
  readonly #pool: GpuPool;
  readonly #servers: MeshServers;
  readonly #inOrder = createInOrder();
  #stored: readonly StoredModel[] = [];

  constructor(options: { folder: string; pool: GpuPool; servers: MeshServers }) {
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
  makes(wanted: { id: string; digest: string }): boolean {
    return this.served.some(
      ({ id, digest, manifest }) => id === wanted.id && digest === wanted.digest && makesMeshes(manifest.family),
    );
  }

  /** Why no mesh can be made now, whatever the model; null when one can. */
  get unreadiness(): string | null {
    if (!this.served.some(({ manifest }) => makesMeshes(manifest.family)))
      return 'No model that makes meshes is loaded';
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
