/**
 * Node's Float16Array, taken from the global object: where that has one, onnxruntime-node 1.29 makes float16 tensors of
 * it, whose bytes its native side then cannot find ("not enough space: expected 8, got 0"). Without, it uses Uint16Array.
 */
const Half = Float16Array;
Reflect.deleteProperty(globalThis, 'Float16Array');

/** The bits of numbers rounded to half precision. */
export function toHalf(numbers: Float32Array): Uint16Array {
  return new Uint16Array(new Half(numbers).buffer);
}

/** The numbers of half precision's bits. */
export function fromHalf(bits: Uint16Array): Float32Array {
  return new Float32Array(new Half(bits.buffer, bits.byteOffset, bits.length));
}
