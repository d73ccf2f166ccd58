import { Problem } from '../../contract/problem.ts';

/** A part of a form; `body` is a view into the form's own bytes. */
export type Part = { name: string; body: Uint8Array<ArrayBuffer> };

const partsMax = 64;
const partHeaderBytesMax = 4096;
const boundaryCharactersMax = 70; // RFC 2046 §5.1.1

const carriageReturn = 13;
const hyphen = 45;
const headerEnd = searchFor(new Uint8Array([13, 10, 13, 10]));
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Splits a `multipart/form-data` body (RFC 7578) without copying: a picture of 20 MiB stays one buffer. Throws the
 * Problem `invalid_request` on a malformed or unclosed form.
 */
export function parseMultipart(bytes: Uint8Array<ArrayBuffer>, contentType: string): readonly Part[] {
  const delimiter = encoder.encode(`\r\n--${boundaryOf(contentType)}`);
  const find = searchFor(delimiter);
  const parts: Part[] = [];
  // The first delimiter may be at the start, without its line break. A preamble before it is ignored.
  let at = startsWith(bytes, 0, delimiter.subarray(2)) ? -2 : find(bytes, 0);
  for (;;) {
    if (at === null) throw malformed('it does not end with its boundary');
    const afterDelimiter = at + delimiter.length;
    if (bytes[afterDelimiter] === hyphen && bytes[afterDelimiter + 1] === hyphen) return parts;
    // defence: API4-5
    if (parts.length === partsMax) throw malformed(`it has more than ${partsMax} parts`);
    const headerAt = afterLineBreak(bytes, afterDelimiter);
    const bodyAt = afterHeader(bytes, headerAt);
    const end = find(bytes, bodyAt - 2); // an empty body shares its line break with the delimiter
    if (end === null) throw malformed('it does not end with its boundary');
    const header = text(bytes.subarray(headerAt, bodyAt));
    parts.push({ name: nameOf(header), body: bytes.subarray(bodyAt, Math.max(bodyAt, end)) });
    at = end;
  }
}

function boundaryOf(contentType: string): string {
  const match = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType);
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) throw malformed('its Content-Type names no boundary');
  if (boundary.length > boundaryCharactersMax) throw malformed('its boundary is too long');
  return boundary;
}

/** RFC 2046 §5.1.1 allows blanks between a boundary and its line break. */
function afterLineBreak(bytes: Uint8Array, from: number): number {
  let at = from;
  while (bytes[at] === 32 || bytes[at] === 9) at++;
  if (bytes[at] !== carriageReturn || bytes[at + 1] !== 10) throw malformed('a boundary does not end its line');
  return at + 2;
}

/** Index after the empty line that ends a part's header. */
function afterHeader(bytes: Uint8Array, from: number): number {
  const header = bytes.subarray(from, from + partHeaderBytesMax);
  const end = headerEnd(header, 0);
  if (end === null) throw malformed(`a part has no header within ${partHeaderBytesMax} bytes`);
  return from + end + 4;
}

/** A parameter of a header, quoted or not; a backslash quotes the character after it (RFC 9110 §5.6.4, §5.6.6). */
const parameter = /;[ \t]*([^\s=;"]+)[ \t]*=[ \t]*(?:"((?:[^"\\\r\n]|\\.)*)"|([^\s;"]*))/g;

/** The value of `name` in a part's Content-Disposition, whatever stands before it and however its lines are folded. */
function nameOf(header: string): string {
  const unfolded = header.replaceAll(/\r\n[ \t]+/g, ' ');
  const disposition = /^content-disposition[ \t]*:[ \t]*form-data[ \t]*(;.*)$/im.exec(unfolded)?.[1] ?? '';
  for (const [, key = '', quoted, plain = ''] of disposition.matchAll(parameter)) {
    const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain;
    if (key.toLowerCase() === 'name' && value !== '') return value;
  }
  throw malformed('a part has no name');
}

type Search = (bytes: Uint8Array, from: number) => number | null;

/**
 * Makes a search for `needle` that gives its index at or after `from`, or null. Horspool's algorithm: it reads one
 * byte in as many as the needle has, where a search for line breaks would stop at every 256th byte of a picture.
 */
function searchFor(needle: Uint8Array): Search {
  const last = needle.length - 1;
  const lastByte = needle[last];
  const shifts = new Uint8Array(256).fill(needle.length);
  for (let i = 0; i < last; i++) shifts[needle[i] ?? 0] = last - i;
  return (bytes, from) => {
    for (let at = from + last; at < bytes.length;) {
      const byte = bytes[at] ?? 0;
      if (byte === lastByte && startsWith(bytes, at - last, needle)) return at - last;
      at += shifts[byte] ?? 1;
    }
    return null;
  };
}

function startsWith(bytes: Uint8Array, at: number, needle: Uint8Array): boolean {
  for (let i = 0; i < needle.length; i++) if (bytes[at + i] !== needle[i]) return false;
  return true;
}

function text(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

function malformed(why: string): Problem {
  return new Problem('invalid_request', `The form cannot be read: ${why}.`);
}
