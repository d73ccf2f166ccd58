import { compressions, OutputFormat, outputFormats } from '../../../contract/formats.ts';
import type { MeshObject } from '../../../contract/mesh.ts';
import { MeshRequest } from '../../../contract/request.ts';
import { ApiError } from '../api/call.ts';
import { keepKey, readKey } from '../api/key.ts';
import { askForMesh, followMesh, type MeshFields, type Subject } from '../api/meshes.ts';
import { copyOnClick } from '../look/copy-button.ts';
import { byId, make } from '../look/element.ts';
import { count } from '../look/figures.ts';
import { showFacts } from '../viewer/facts.ts';
import { showMesh } from '../viewer/viewer.ts';
import { explain } from './advice.ts';
import { cacheSentence } from './cache-sentence.ts';
import { listenForPictures } from './picture-input.ts';
import { listenForPrompts, offerPrompts } from './prompt-input.ts';
import { showSamples } from './samples.ts';
import { languages, snippet, type Language } from './snippets.ts';
import { showStages, stageWords } from './stage-list.ts';

const stage = byId('stage', HTMLDivElement);
const viewer = byId('viewer', HTMLDivElement);
const result = byId('result', HTMLDivElement);
const image = byId('picture', HTMLImageElement);
const note = byId('stage-note', HTMLParagraphElement);
const stageList = byId('stages', HTMLOListElement);
const status = byId('status', HTMLParagraphElement);
const problem = byId('problem', HTMLDivElement);
const keyForm = byId('key-form', HTMLFormElement);
const options = byId('options', HTMLFormElement);
const again = byId('again', HTMLButtonElement);

/** What the page is about, and the request for its mesh that is under way. */
let subject: Subject | null = null;
let language: Language = 'curl';
let underWay = new AbortController();

showStages(stageList, null);
// What a browser cannot show may be a picture all the same.
image.addEventListener('error', () => (image.hidden = true));
listenForPictures({ take, fail });
listenForPrompts(takePrompt);
showSamples(byId('samples', HTMLUListElement), take, fail);
showLanguages();
offerFormats();
copyOnClick(byId('copy', HTMLButtonElement), () => byId('snippet', HTMLElement).textContent ?? '');
again.addEventListener('click', () => void fire());
options.addEventListener('change', allowCompression);
options.addEventListener('submit', (event) => {
  event.preventDefault();
  void fire();
});
keyForm.addEventListener('submit', (event) => {
  event.preventDefault();
  keepKey('meshkiln-key', byId('key', HTMLInputElement).value.trim());
  keyForm.hidden = true;
  void offerPrompts();
  void fire();
});

function take(file: File): void {
  showPicture(file);
  begin({ is: 'picture', file });
}

function takePrompt(prompt: string): void {
  showPicture(null);
  begin({ is: 'prompt', prompt });
}

function begin(next: Subject): void {
  subject = next;
  stage.scrollIntoView({ block: 'nearest' });
  void fire();
}

/** Shows the picture that was chosen, or the invitation to choose one. */
function showPicture(file: File | null): void {
  URL.revokeObjectURL(image.src);
  if (file === null) image.removeAttribute('src');
  else image.src = URL.createObjectURL(file);
  image.alt = file === null ? '' : `Your picture, ${file.name}`;
  image.hidden = file === null;
  byId('invitation', HTMLDivElement).hidden = file !== null;
  byId('file-label', HTMLLabelElement).textContent = file === null ? 'Choose a picture' : 'Choose another';
  byId('drop', HTMLDivElement).classList.toggle('filled', file !== null);
}

/** Asks for the mesh of the subject as the options say, in the place of a request that is under way. */
async function fire(): Promise<void> {
  if (subject === null) return;
  underWay.abort();
  underWay = new AbortController();
  const { signal } = underWay;
  problem.hidden = true;
  again.disabled = true;
  showUnfinished(null);
  const beganMs = performance.now();
  try {
    const asked = await askForMesh(subject, fieldsOf(options), signal);
    const mesh = await followMesh(asked, { onChange: showUnfinished, signal });
    again.disabled = false;
    await showFinished(mesh, { tookMs: performance.now() - beganMs, signal });
  } catch (error) {
    if (!signal.aborted) fail(error);
  } finally {
    if (!signal.aborted) again.disabled = false;
  }
}

/** The options that are set, as fields of a request: the API's defaults are left out. */
function fieldsOf(form: HTMLFormElement): MeshFields {
  const defaults: Readonly<Record<string, unknown>> = MeshRequest.parse({});
  const entries = [...new FormData(form)].flatMap(([name, value]) =>
    typeof value === 'string' && value !== String(defaults[name] ?? '') ? [[name, value] as const] : [],
  );
  return Object.fromEntries(entries);
}

function offerFormats(): void {
  const choices = Object.entries(outputFormats).map(([name, { label }]) => new Option(label, name));
  byId('format', HTMLSelectElement).replaceChildren(...choices);
  const packings = compressions.map((name) => new Option(name.charAt(0).toUpperCase() + name.slice(1), name));
  byId('compression', HTMLSelectElement).replaceChildren(...packings);
}

function allowCompression(): void {
  const format = OutputFormat.parse(byId('format', HTMLSelectElement).value);
  byId('compression', HTMLSelectElement).disabled = !outputFormats[format].compressed;
}

function showUnfinished(mesh: MeshObject | null): void {
  if (mesh?.status === 'completed') return;
  stage.dataset.state = 'firing';
  const words = mesh === null ? 'Asking …' : stageWords(mesh);
  note.textContent = words;
  status.textContent = words;
  showStages(stageList, mesh);
}

type Followed = { tookMs: number; signal: AbortSignal };

async function showFinished(mesh: MeshObject, { tookMs, signal }: Followed): Promise<void> {
  const { asset } = mesh;
  if (asset === null) throw new Error('a completed mesh has no bytes; this is a bug');
  showStages(stageList, mesh);
  const sentence = cacheSentence(mesh, tookMs);
  byId('cache', HTMLParagraphElement).textContent = sentence;
  showFacts(byId('facts', HTMLDListElement), mesh);
  byId('download', HTMLAnchorElement).href = asset.url;
  byId('share', HTMLAnchorElement).href = `/m/${mesh.id}`;
  showSnippet();
  result.hidden = false;
  status.textContent = `Done. ${sentence}`;
  if (outputFormats[mesh.output_format].viewable) {
    note.textContent = 'Loading the 3D viewer …';
    const description = `A mesh of your ${subject?.is ?? 'picture'} with ${count(asset.faces)} triangles; drag or use the arrow keys to turn it`;
    await showMesh(viewer, { url: asset.url, description });
    if (signal.aborted) return; // the stage is another request's by now
    note.textContent = 'Drag to turn, pinch or scroll to come closer.';
  } else {
    showPreview(mesh);
    note.textContent = `Browsers do not show ${mesh.output_format.toUpperCase()}: this is a rendered preview.`;
  }
  stage.dataset.state = viewer.childElementCount > 0 ? 'done' : 'empty';
}

function showPreview({ thumbnail_url: url }: MeshObject): void {
  viewer.replaceChildren();
  if (url === null) return;
  const preview = make('img', 'thumbnail');
  preview.src = url;
  preview.alt = 'The mesh, rendered';
  viewer.replaceChildren(preview);
}

function fail(error: unknown): void {
  const { what, toDo } = explain(error);
  problem.replaceChildren(make('strong', null, what), ` ${toDo}`);
  problem.hidden = false;
  // What was made before is not of this one.
  viewer.replaceChildren();
  result.hidden = true;
  stage.dataset.state = 'empty';
  note.textContent = 'No mesh was made of this one.';
  status.textContent = '';
  showStages(stageList, null);
  const wantsKey =
    error instanceof ApiError && (error.code === 'invalid_api_key' || error.code === 'insufficient_scope');
  if (!wantsKey) return;
  keyForm.hidden = false;
  byId('key', HTMLInputElement).focus();
}

function showLanguages(): void {
  const buttons = languages.map((name) => {
    const button = make('button', null, name);
    button.type = 'button';
    button.setAttribute('aria-pressed', String(name === language));
    button.addEventListener('click', () => {
      language = name;
      for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
      showSnippet();
    });
    return button;
  });
  byId('languages', HTMLDivElement).replaceChildren(...buttons);
}

function showSnippet(): void {
  if (subject === null) return;
  const withKey = readKey('meshkiln-key') !== null;
  const asked = { edgeUrl: location.origin, subject, fields: fieldsOf(options), withKey };
  byId('snippet', HTMLElement).textContent = snippet(language, asked);
}
