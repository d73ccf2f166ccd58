import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Bytes read at once: the fields around weights are small, and the weights themselves are passed over. */
const windowBytes = 64 * 1024;

/** Messages of onnx.proto3 that hold tensors, or lead to some, by the numbers of their fields. */
const messages = {
  model: { 7: 'graph', 20: 'training', 25: 'function' },
  training: { 1: 'graph', 2: 'graph' },
  function: { 7: 'node', 11: 'attribute' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: { 13: 'entry' },
  entry: {},
} as const satisfies Record<string, Record<number, string>>;
type Message = keyof typeof messages;

/** A tensor of an .onnx file whose numbers lie in another file, which the runtime looks for beside it. */
export type ExternalTensor = { tensor: string; file: string };

/** The tensors of an .onnx file that are kept outside of it; throws when it is no such file. */
export function externalTensors(path: string): ExternalTensor[] {
  const descriptor = openSync(path, 'r');
  try {
    const found: ExternalTensor[] = [];
    const file = new Fields(descriptor);
    const graphs = walk(file, { message: 'model', at: 0, end: fstatSync(descriptor).size }, found);
    if (graphs === 0) throw new Error('it holds no graph');
    return found;
  } finally {
    closeSync(descriptor);
  }
}

type Span = { message: Message; at: number; end: number };

/** Follows a message down to its tensors; how many fields of it led on. */
function walk(file: Fields, { message, at, end }: Span, found: ExternalTensor[]): number {
  const leads: Record<number, Message> = messages[message];
  let followed = 0;
  let name = '';
  const locations: string[] = [];
  for (const field of file.within(at, end)) {
    const next = leads[field.number];
    if (message === 'tensor' && field.number === 8) name = file.text(field);
    if (next === undefined) continue;
    followed += 1;
    if (next === 'entry') locations.push(...locationIn(file, field));
    else walk(file, { message: next, ...field }, found);
  }
  for (const location of locations) found.push({ tensor: name, file: location });
  return followed;
}

/** The value of an entry whose key is `location`. */
function locationIn(file: Fields, entry: Field): string[] {
  const fields = [...file.within(entry.at, entry.end)];
  const textOf = (number: number) => fields.filter((field) => field.number === number).map((field) => file.text(field));
  return textOf(1).includes('location') ? textOf(2) : [];
}

/** One field: its number, and where its content begins and ends. */
type Field = { number: number; at: number; end: number };

/** Reads the fields of Protocol Buffers messages in a file, without what they hold. */
class Fields {
  readonly #descriptor: number;
  readonly #window = Buffer.alloc(windowBytes);
  #windowAt = 0;
  #windowEnd = 0;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  *within(at: number, end: number): Generator<Field> {
    let place = at;
    while (place < end) {
      const tag = this.#varint(place, end);
      const number = Math.floor(tag.value / 8);
      const wire = tag.value % 8;
      const field = { number, ...this.#content(wire, tag.end, end) };
      if (number === 0 || field.end > end) throw new Error(`byte ${place} begins no field`);
      yield field;
      place = field.end;
    }
  }

  text({ at, end }: Field): string {
    const bytes = Buffer.alloc(end - at);
    readSync(this.#descriptor, bytes, 0, bytes.length, at);
    return bytes.toString();
  }

  #content(wire: number, at: number, end: number): { at: number; end: number } {
    if (wire === 0) return { at, end: this.#varint(at, end).end };
    if (wire === 1) return { at, end: at + 8 };
    if (wire === 5) return { at, end: at + 4 };
    if (wire !== 2) throw new Error(`byte ${at} follows an unknown kind of field`);
    const length = this.#varint(at, end);
    return { at: length.end, end: length.end + length.value };
  }

  #varint(at: number, end: number): { value: number; end: number } {
    let value = 0;
    for (let i = 0; i < 10 && at + i < end; i++) {
      const byte = this.#byte(at + i);
      value += (byte & 127) * 128 ** i;
      if (byte < 128) return { value, end: at + i + 1 };
    }
    throw new Error(`byte ${at} begins no number`);
  }

  #byte(at: number): number {
    if (at < this.#windowAt || at >= this.#windowEnd) {
      this.#windowAt = at;
      this.#windowEnd = at + readSync(this.#descriptor, this.#window, 0, windowBytes, at);
    }
    const byte = this.#window[at - this.#windowAt];
    if (byte === undefined || at >= this.#windowEnd) throw new Error('it ends too early');
    return byte;
  }
}
