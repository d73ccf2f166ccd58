/** SHA-256 of a key's text: the only step of recognising a key that must be waited for. */
export async function digestKey(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
}
