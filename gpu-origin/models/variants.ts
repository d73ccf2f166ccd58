import type { OnnxProvider } from '../../contract/mesh.ts';
import type { GraphManifest } from '../families/manifest.ts';

type Graph = GraphManifest['graphs'][string];
type Tensors = Graph['inputs'];

/**
 * The manifest as it holds on one provider: each graph with the file that it offers there, and the golden output with
 * the tolerance of what it is then compared with, the widest where several graphs differ.
 */
export function manifestOn(manifest: GraphManifest, provider: OnnxProvider): GraphManifest {
  const offered = variantsOn(manifest, provider);
  if (offered.length === 0 || manifest.golden === undefined) return manifest;
  const graphs = { ...manifest.graphs };
  for (const { name, graph, variant } of offered) {
    const { file, type } = variant;
    graphs[name] = { file, inputs: ofType(type, graph.inputs), outputs: ofType(type, graph.outputs) };
  }
  const relative_tolerance = Math.max(...offered.map(({ variant }) => variant.relative_tolerance));
  return { ...manifest, graphs, golden: { ...manifest.golden, relative_tolerance } };
}

/** The graphs that have another file for a provider, with it. */
export function variantsOn({ graphs }: GraphManifest, provider: OnnxProvider) {
  return Object.entries(graphs).flatMap(([name, graph]) => {
    const variant = graph.variants?.find(({ providers }) => providers.includes(provider));
    return variant === undefined ? [] : [{ name, graph, variant }];
  });
}

function ofType(type: Tensors[string]['type'], tensors: Tensors): Tensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, { type, shape }]));
}
