import { stages, type MeshObject, type Stage } from '../../../contract/mesh.ts';
import { make } from '../look/element.ts';
import { duration } from '../look/figures.ts';

const names: Readonly<Record<Stage, string>> = {
  queue: 'Queue',
  decode: 'Decode',
  matte: 'Cut out',
  infer: 'Infer depth',
  surface: 'Surface',
  texture: 'Texture',
  encode: 'Encode',
};

/** Shows which stages of a mesh are done and which has begun; of a finished one how long each took, if it took any. */
export function showStages(list: HTMLElement, mesh: MeshObject | null): void {
  const begun = mesh?.stage ? stages.indexOf(mesh.stage) : -1;
  const items = stages.map((stage, index) => {
    const item = make('li', null, make('span', 'stage-name', names[stage]));
    const tookMs = mesh?.cache.status === 'hit' ? undefined : mesh?.timings_ms?.[stage];
    if (mesh?.status === 'completed') item.dataset.state = tookMs === undefined ? 'spared' : 'done';
    else item.dataset.state = index < begun ? 'done' : index === begun ? 'now' : 'ahead';
    if (item.dataset.state === 'now') item.setAttribute('aria-current', 'step');
    if (tookMs !== undefined) item.appendChild(make('span', 'stage-time figure', duration(tookMs)));
    return item;
  });
  list.replaceChildren(...items);
}

/** The stage that a mesh is in, in words. */
export function stageWords(mesh: MeshObject): string {
  if (mesh.stage === null || mesh.stage === 'queue') return 'Waiting for the kiln …';
  return `${names[mesh.stage]} …`;
}
