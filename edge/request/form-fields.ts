import { cacheFormFields, fieldNames, fieldOf, type Field } from '../../contract/fields.ts';
import { Problem } from '../../contract/problem.ts';
import { parseJson } from '../http/parse-json.ts';
import { placeOf, type FormPlace } from './form-places.ts';
import type { Part } from './multipart.ts';

/** The field of a form that is the picture's file. */
export const imageField = 'image';

/** Far more than any number of a request needs. */
const numberCharactersMax = 32;
const numberPattern = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

type Reader = (body: Uint8Array, name: string) => unknown;

/** How each kind of field is read. What cannot be read stays text, for the schema to refuse. */
const readerOf: Readonly<Record<Field['form'], Reader>> = {
  text: readText,
  number: readNumber,
  boolean: readBoolean,
  json: readJson,
  // Under its own name a form has no such field: it is text, which the schema refuses.
  file: readText,
  members: readText,
};

const readers: ReadonlyMap<string, Reader> = new Map([
  ...fieldNames.map((name) => [name, readerOf[fieldOf(name).form]] as const),
  ...Object.entries(cacheFormFields).map(([name, { form }]) => [name, readerOf[form]] as const),
]);

/** The names of the members of `cache` in a form, by member. */
const cacheNames: ReadonlyMap<string, string> = new Map(
  Object.entries(cacheFormFields).map(([name, { member }]) => [member, name]),
);

/** A form's name for `image: {"sha256": …}`, because `image` itself is a file in a form. */
const imageDigestField = 'image_sha256';

/**
 * Turns a form's parts, except the picture's file, into the shape of the JSON body. A known field without a value counts
 * as not given. Throws the Problem `invalid_parameter` on a repeated field.
 */
export function readForm(parts: readonly Part[]): Record<string, unknown> {
  // Maps, because a field may have any name, even `__proto__`.
  const fields = new Map<string, unknown>();
  const cache = new Map<string, unknown>();
  const metadata = new Map<string, unknown>();
  const items = new Map<string, unknown[]>();
  const seen = new Set<string>();
  for (const { name, body } of parts) {
    const place = placeOf(name);
    if (place.is !== 'cache' || !place.item) refuseSecond(seen, { place, name });
    if (place.is === 'picture') continue;
    if (body.byteLength === 0 && isKnown(place)) continue;
    if (place.is === 'digest') fields.set('image', { sha256: readText(body, name) });
    else if (place.is === 'metadata') metadata.set(place.name, readText(body, name));
    else if (place.is === 'field') fields.set(place.name, (readers.get(place.name) ?? readUnknown)(body, name));
    else if (place.item) items.set(place.member, [...(items.get(place.member) ?? []), readText(body, name)]);
    else cache.set(place.member, (readers.get(cacheNames.get(place.member) ?? '') ?? readUnknown)(body, name));
  }
  for (const [member, values] of items) {
    if (cache.has(member)) throw invalid(cacheNames.get(member) ?? member, 'is given twice');
    cache.set(member, values);
  }
  // A form sends the members one by one. A field named `cache` is text, which the schema refuses.
  if (cache.size > 0 && !fields.has('cache')) fields.set('cache', Object.fromEntries(cache));
  if (metadata.size > 0) {
    if (fields.has('metadata')) throw invalid('metadata', 'is given twice');
    fields.set('metadata', Object.fromEntries(metadata));
  }
  return /* defence: API3-2 */ Object.fromEntries(fields);
}

function refuseSecond(seen: Set<string>, { place, name }: { place: FormPlace; name: string }): void {
  const id = JSON.stringify(place);
  if (seen.has(id)) throw invalid(name, 'is given twice');
  seen.add(id);
}

function isKnown(place: FormPlace): boolean {
  if (place.is === 'field') return readers.has(place.name);
  return place.is === 'digest' || (place.is === 'cache' && cacheNames.has(place.member));
}

/** The form's name of the field at this path of the JSON body. */
export function formName(path: readonly PropertyKey[]): string {
  const [first, second] = path;
  if (first === 'image') return imageDigestField;
  const cacheField = first === 'cache' ? cacheNames.get(String(second)) : undefined;
  return cacheField ?? String(first);
}

/** Any usual spelling of a number: `7`, `.7`, `1e-05`. What is none stays text, which the schema refuses. */
function readNumber(body: Uint8Array, name: string): unknown {
  const text = readText(body, name).trim();
  if (text === 'null') return null;
  return text.length <= numberCharactersMax && numberPattern.test(text) ? Number(text) : text;
}

/** `true` and `false` as JSON, Python (`True`), HTML (`on`) and shells (`1`) write them. */
function readBoolean(body: Uint8Array, name: string): unknown {
  const text = readText(body, name).trim();
  if (/^(?:true|on|1)$/i.test(text)) return true;
  return /^(?:false|off|0)$/i.test(text) ? false : text;
}

/** A field that no request has is refused by the schema. One that is no text is likely the picture under another name. */
function readUnknown(body: Uint8Array, name: string): unknown {
  try {
    return readText(body, name);
  } catch (cause) {
    const message = `Unknown parameter: "${name}". The picture of a form is its file "${imageField}".`;
    throw new Problem('unknown_parameter', message, { param: name, cause });
  }
}

function readJson(body: Uint8Array, name: string): unknown {
  // defence: API4-21
  return parseJson(body, { field: name });
}

function readText(body: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(body);
  } catch (cause) {
    throw invalid(name, 'is not UTF-8 text', cause);
  }
}

function invalid(name: string, why: string, cause?: unknown): Problem {
  return new Problem('invalid_parameter', `The form field "${name}" ${why}.`, { param: name, cause });
}
