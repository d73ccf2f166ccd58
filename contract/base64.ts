/** Bytes that a group of characters stands for. */
const groupBytes = 3;
export const base64GroupCharacters = 4;

/** Characters of so many bytes in base64, with its padding. */
export function base64Length(bytes: number): number {
  return Math.ceil(bytes / groupBytes) * base64GroupCharacters;
}

/** Bytes of base64 text, which is known to be right. */
export function bytesOfBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
