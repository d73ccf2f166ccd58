import type { MeshObject } from '../../../contract/mesh.ts';
import { make } from '../look/element.ts';
import { bytes, count, duration } from '../look/figures.ts';

const providers = { cpu: 'CPU', cuda: 'GPU (CUDA)', webgpu: 'GPU (WebGPU)', http: 'a server over HTTP' } as const;

/** A mesh's figures as a list of terms and values. */
export function showFacts(list: HTMLElement, mesh: MeshObject): void {
  const { asset, timings_ms: timings, provider } = mesh;
  const facts: [string, string | null][] = [
    ['Triangles', asset && count(asset.faces)],
    ['Size', asset && `${bytes(asset.bytes)} ${mesh.output_format.toUpperCase()}`],
    ['Closed surface', asset && (asset.watertight ? 'yes, printable' : 'no')],
    ['Model', mesh.model],
    ['Ran on', provider && providers[provider] + (mesh.degraded ? ', since its own device was missing' : '')],
    ['Making took', timings && duration(timings.total)],
  ];
  const rows = facts.flatMap(([term, value]) =>
    value === null ? [] : [make('div', null, make('dt', null, term), make('dd', 'figure', value))],
  );
  list.replaceChildren(...rows);
}
