import { outputFormats } from '../../../contract/formats.ts';
import { MeshObject } from '../../../contract/mesh.ts';
import { copyOnClick } from '../look/copy-button.ts';
import { byId } from '../look/element.ts';
import { count } from '../look/figures.ts';
import { showFacts } from '../viewer/facts.ts';
import { showMesh } from '../viewer/viewer.ts';

// The Worker has put the mesh into the page, since whoever opens a link has no key to ask for it.
const shared = MeshObject.nullable().parse(JSON.parse(byId('mesh-data', HTMLScriptElement).textContent ?? ''));
if (shared === null) byId('gone', HTMLDivElement).hidden = false;
else await show(shared);

async function show(mesh: MeshObject): Promise<void> {
  const { asset, thumbnail_url: thumbnailUrl } = mesh;
  if (asset === null) throw new Error('a shared mesh has no bytes; this is a bug');
  byId('shown', HTMLElement).hidden = false;
  showFacts(byId('facts', HTMLDListElement), mesh);
  byId('download', HTMLAnchorElement).href = asset.url;
  copyOnClick(byId('copy', HTMLButtonElement), () => location.href);
  const stage = byId('stage', HTMLDivElement);
  const note = byId('stage-note', HTMLParagraphElement);
  const thumbnail = byId('thumbnail', HTMLImageElement);
  const description = `A mesh with ${count(asset.faces)} triangles`;
  if (thumbnailUrl !== null) {
    thumbnail.src = thumbnailUrl;
    thumbnail.alt = `${description}, rendered`;
    thumbnail.hidden = false;
  }
  if (!outputFormats[mesh.output_format].viewable) {
    note.textContent = `Browsers do not show ${mesh.output_format.toUpperCase()}: this is a rendered preview.`;
    stage.dataset.state = 'done';
    return;
  }
  try {
    await showMesh(byId('viewer', HTMLDivElement), {
      url: asset.url,
      description: `${description}; drag or use the arrow keys to turn it`,
    });
    thumbnail.hidden = true;
    note.textContent = 'Drag to turn, pinch or scroll to come closer.';
  } catch {
    note.textContent = 'The 3D viewer does not run here: this is a rendered preview.';
  }
  stage.dataset.state = 'done';
}
