import type { OnnxProvider } from '../../contract/mesh.ts';
import { openModel } from '../compute/session.ts';
import { goldenOutputs, relativeError } from '../compute/warm-up.ts';
import type { GraphManifest } from '../families/manifest.ts';
import type { StoredModel } from '../models/repository.ts';
import { manifestOn, variantsOn } from '../models/variants.ts';

/** How far the files that a model has for some providers are from its own, both run on the CPU. */
export type Parity = {
  providers: OnnxProvider[];
  files: string[];
  /** The largest |variant − own| / |own| over the golden outputs. */
  error: number;
  tolerance: number;
};

const onCpu = { provider: 'cpu', device: 0, threads: 0 } as const;

/** Runs the golden input through the model's own files and through each set that it offers instead. */
export async function measureParity(model: StoredModel<GraphManifest>): Promise<Parity[]> {
  const { manifest } = model;
  const sets = new Map<string, { providers: OnnxProvider[]; files: string[] }>();
  for (const provider of providersOf(manifest)) {
    const files = variantsOn(manifest, provider).map(({ variant }) => variant.file);
    const known = sets.get(files.join());
    if (known === undefined) sets.set(files.join(), { providers: [provider], files });
    else known.providers.push(provider);
  }
  if (sets.size === 0) return [];
  const own = await outputsOf(model, manifest);
  const measured: Parity[] = [];
  for (const { providers, files } of sets.values()) {
    const [provider = 'cpu'] = providers;
    const instead = manifestOn(manifest, provider);
    const made = await outputsOf(model, instead);
    const errors = Object.entries(own).map(([name, data]) => relativeError(made[name] ?? new Float32Array(), data));
    measured.push({
      providers,
      files,
      error: Math.max(...errors),
      tolerance: instead.golden?.relative_tolerance ?? 0,
    });
  }
  return measured;
}

function providersOf({ graphs }: GraphManifest): Set<OnnxProvider> {
  const variants = Object.values(graphs).flatMap((graph) => graph.variants ?? []);
  return new Set(variants.flatMap(({ providers }) => providers));
}

async function outputsOf(
  model: StoredModel<GraphManifest>,
  manifest: GraphManifest,
): Promise<Record<string, Float32Array>> {
  const loaded = await openModel({ ...model, manifest }, onCpu);
  try {
    return await goldenOutputs(loaded, model.folder);
  } finally {
    for (const session of loaded.sessions.values()) await session.release();
  }
}
