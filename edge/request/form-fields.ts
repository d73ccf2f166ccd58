import { cacheFormFields, fieldNames, fieldOf, type Field } from '../../contract/fields.ts';
import { Problem } from '../../contract/problem.ts';
import { parseJson } from '../http/parse-json.ts';
import type { Part } from './multipart.ts';

/** The field of a form that is the picture's file. */
export const imageField = 'image';

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

/** The members of `cache`, by their names in a form. */
const cacheMembers: ReadonlyMap<string, string> = new Map(
  Object.entries(cacheFormFields).map(([name, { member }]) => [name, member]),
);

/** A form's name for `image: {"sha256": …}`, because `image` itself is a file in a form. */
const imageDigestField = 'image_sha256';

/**
 * Turns a form's parts, except the picture's file, into the shape of the JSON body. Throws the Problem
 * `invalid_parameter` on a repeated field.
 */
export function readForm(parts: readonly Part[]): Record<string, unknown> {
  // Maps, because a field may have any name, even `__proto__`.
  const fields = new Map<string, unknown>();
  const cache = new Map<string, unknown>();
  const names = new Set<string>();
  for (const { name, body } of parts) {
    if (names.has(name)) throw invalid(name, 'is given twice');
    names.add(name);
    if (name === imageField) continue;
    if (name === imageDigestField) {
      fields.set('image', { sha256: readText(body, name) });
      continue;
    }
    const value = (readers.get(name) ?? readText)(body, name);
    const member = cacheMembers.get(name);
    if (member === undefined) fields.set(name, value);
    else cache.set(member, value);
  }
  // A form sends the members of `cache` one by one. A field named `cache` is text, which the schema refuses.
  if (cache.size > 0 && !fields.has('cache')) fields.set('cache', Object.fromEntries(cache));
  return /* defence: API3-2 */ Object.fromEntries(fields);
}

/** The form's name of the field at this path of the JSON body. */
export function formName(path: readonly PropertyKey[]): string {
  const [first, second] = path;
  if (first === 'image') return imageDigestField;
  const cacheField = [...cacheMembers].find(([, member]) => first === 'cache' && member === second);
  return cacheField?.[0] ?? String(first);
}

function readNumber(body: Uint8Array, name: string): unknown {
  const text = readText(body, name);
  if (text === 'null') return null;
  return /^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text;
}

function readBoolean(body: Uint8Array, name: string): unknown {
  const text = readText(body, name);
  if (text === 'true') return true;
  return text === 'false' ? false : text;
}

function readJson(body: Uint8Array, name: string): unknown {
  // defence: API4-21
  return parseJson(body, { field: name });
}

function readText(body: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch (cause) {
    throw invalid(name, 'is not UTF-8 text', cause);
  }
}

function invalid(name: string, why: string, cause?: unknown): Problem {
  return new Problem('invalid_parameter', `The form field "${name}" ${why}.`, { param: name, cause });
}
