import { copyOnClick } from '../look/copy-button.ts';
import { make } from '../look/element.ts';
import { resolve, typeOf, type CodeSample, type OpenApi, type Operation, type Schema } from './document.ts';

/** One operation: what it takes, what it answers, and how to call it. */
export function operationSection(api: OpenApi, operation: Operation): HTMLElement {
  const { operationId, method, path, summary, description } = operation;
  const link = make('a', null, summary);
  link.href = `#${operationId}`;
  const text = make(
    'div',
    'text',
    make('h3', null, link),
    line(operation),
    ...(description === undefined ? [] : [prose(description)]),
    make('p', 'soft', accessOf(operation)),
    ...taken(api, operation),
    make('h4', null, 'Answers'),
    answerList(operation),
    ...told(operation),
  );
  const section = make('section', 'operation', text, samplesOf(operation));
  section.id = operationId;
  section.setAttribute('aria-label', `${method.toUpperCase()} ${path}`);
  return section;
}

/** Its parameters and the fields of its body. */
function taken(api: OpenApi, { parameters = [], requestBody }: Operation): HTMLElement[] {
  const rows = parameters.map(({ name, schema, description, in: place }) => {
    return { name, schema, what: description, place };
  });
  const bodies = Object.entries(requestBody?.content ?? {}).flatMap(([mediaType, { schema }]) =>
    schema ? schemaFields(`Body, ${mediaType}`, resolve(api, schema)) : [],
  );
  return [...(rows.length === 0 ? [] : fieldTable('Parameters', rows)), ...bodies];
}

/** The fields of its JSON answers. */
function told({ responses }: Operation): HTMLElement[] {
  return Object.entries(responses).flatMap(([status, { content = {} }]) => {
    const schema = content['application/json']?.schema;
    if (!status.startsWith('2') || schema === undefined) return [];
    if (schema.$ref) return [make('p', null, `The JSON of a ${status} is a `, schemaLink(schema), '.')];
    return schema.properties ? schemaFields(`JSON of a ${status}`, schema) : [];
  });
}

/** The fields of a named schema, to be linked to. */
export function schemaSection(name: string, schema: Schema): HTMLElement {
  const [, list] = schemaFields('', schema);
  const section = make('section', 'operation', make('div', 'text', make('h3', null, name), list ?? ''));
  section.id = `schema-${name}`;
  return section;
}

/** Text with its `code` as code. */
export function prose(text: string): HTMLParagraphElement {
  return make('p', null, ...inline(text));
}

function inline(text: string): (Node | string)[] {
  return text.split('`').map((part, index) => (index % 2 === 1 ? make('code', null, part) : part));
}

function line({ method, path }: Operation): HTMLElement {
  return make('p', 'line', make('code', `method ${method}`, method.toUpperCase()), ' ', make('code', null, path));
}

function accessOf({ security }: Operation): string {
  const [{ apiKey, originSignature } = {}] = security;
  if (originSignature) return 'For GPU origins: a signed call.';
  return apiKey ? `Needs a key with the scope “${apiKey.join(', ')}”.` : 'Needs no key.';
}

function schemaFields(title: string, { properties = {}, required = [] }: Schema): HTMLElement[] {
  const rows = Object.entries(properties).map(([name, schema]) => {
    return { name, schema, what: schema.description, place: required.includes(name) ? null : 'optional' };
  });
  return fieldTable(title, rows);
}

type Field = { name: string; schema: Schema; what: string | undefined; place: string | null };

function fieldTable(title: string, fields: readonly Field[]): HTMLElement[] {
  const rows = fields.flatMap(({ name, schema, what, place }) => {
    const type = schema.$ref ? schemaLink(schema) : typeOf(schema);
    const given = schema.default === undefined ? '' : `, default ${JSON.stringify(schema.default)}`;
    const facts = make('span', 'soft', ' ', type, given, place === null || given !== '' ? '' : `, ${place}`);
    const value = make('dd', null, ...(what === undefined ? [] : inline(what)));
    return [make('dt', null, make('code', null, name), facts), value];
  });
  return [make('h4', null, title), make('dl', 'fields', ...rows)];
}

function schemaLink({ $ref = '' }: Schema): HTMLAnchorElement {
  const name = $ref.split('/').at(-1) ?? '';
  const link = make('a', null, name);
  link.href = `#schema-${name}`;
  return link;
}

function answerList({ responses }: Operation): HTMLElement {
  const rows = Object.entries(responses).flatMap(([status, { description, content = {} }]) => {
    const types = status.startsWith('2') ? Object.keys(content).join(', ') : '';
    const value = make('dd', null, ...inline(description), make('span', 'soft', types === '' ? '' : ` ${types}`));
    return [make('dt', `status of-${status[0]}`, make('code', null, status)), value];
  });
  return make('dl', 'answers', ...rows);
}

/** The code of an operation, one language at a time; choosing one chooses it for all operations. */
function samplesOf({ operationId, 'x-codeSamples': samples = [] }: Operation): HTMLElement {
  const labels = [...new Set(samples.map(({ label }) => label))];
  const choices = make('div', 'choices', ...labels.map(languageButton));
  choices.setAttribute('role', 'group');
  choices.setAttribute('aria-label', 'Language');
  const code = make('div', 'code', ...(labels.length > 1 ? [choices] : []), ...samples.map(sampleBox));
  code.dataset.of = operationId;
  show(code, labels[0]);
  return code;
}

function languageButton(label: string): HTMLElement {
  const button = make('button', null, label);
  button.type = 'button';
  button.dataset.label = label;
  button.addEventListener('click', () => chooseLanguage(label, button));
  return button;
}

function sampleBox({ label, source }: CodeSample): HTMLElement {
  const pre = make('pre', null, make('code', null, source));
  pre.tabIndex = 0; // so that a keyboard can scroll it
  const copy = make('button', 'button', 'Copy');
  copyOnClick(copy, () => source);
  const box = make('div', 'sample', pre, copy);
  box.dataset.label = label;
  return box;
}

/** Keeps the chosen button where it was on the screen, though the operations above it change their height. */
function chooseLanguage(label: string, button: HTMLElement): void {
  const before = button.getBoundingClientRect().top;
  for (const code of document.querySelectorAll<HTMLElement>('.code')) show(code, label);
  scrollBy({ top: button.getBoundingClientRect().top - before, behavior: 'instant' });
}

function show(code: HTMLElement, label: string | undefined): void {
  const boxes = [...code.querySelectorAll<HTMLElement>('.sample')];
  if (!boxes.some((box) => box.dataset.label === label)) return;
  for (const box of boxes) box.hidden = box.dataset.label !== label;
  for (const button of code.querySelectorAll<HTMLElement>('.choices button')) {
    button.setAttribute('aria-pressed', String(button.dataset.label === label));
  }
}
