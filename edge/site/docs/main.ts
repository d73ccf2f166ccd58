// The API's documentation, made of the document that this edge serves.
import { byId, make } from '../look/element.ts';
import { operationsOf, type OpenApi } from './document.ts';
import { operationSection, prose, schemaSection } from './operation.ts';

try {
  const answer = await fetch('/openapi.json');
  if (!answer.ok) throw new Error(`/openapi.json answered ${answer.status}`);
  showDocument((await answer.json()) as OpenApi);
} catch (error) {
  const notice = byId('problem', HTMLElement);
  notice.textContent = `The document cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  notice.hidden = false;
}

function showDocument(api: OpenApi): void {
  const introduction = api.info.description.split('\n\n').map(prose);
  byId('introduction', HTMLElement).replaceChildren(...introduction);
  const groups = api.tags.map((tag) => ({ ...tag, found: operationsOf(api, tag.name) }));
  byId('contents', HTMLElement).replaceChildren(
    ...groups.flatMap(({ name, found }) => [
      make('h2', null, link(`tag-${name}`, name)),
      make('ul', null, ...found.map(({ operationId, summary }) => make('li', null, link(operationId, summary)))),
    ]),
    make('h2', null, link('tag-Objects', 'Objects')),
  );
  byId('operations', HTMLElement).replaceChildren(
    ...groups.flatMap(({ name, description, found }) => [
      heading(name),
      prose(description),
      ...found.map((operation) => operationSection(api, operation)),
    ]),
    heading('Objects'),
    ...Object.entries(api.components.schemas).map(([name, schema]) => schemaSection(name, schema)),
  );
  // Beside the operations there is room for them all; above them, on a phone, they are in the way.
  byId('fold', HTMLDetailsElement).open = matchMedia('(min-width: 64rem)').matches;
  goToHash();
}

function heading(name: string): HTMLElement {
  const element = make('h2', null, name);
  element.id = `tag-${name}`;
  return element;
}

function link(id: string, text: string): HTMLAnchorElement {
  const anchor = make('a', null, text);
  anchor.href = `#${id}`;
  return anchor;
}

/** A deep link's place is made after the browser has looked for it. */
function goToHash(): void {
  document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}
