/** A file of a mesh, with the SHA-256 of its bytes. */
export type MadeFile = { bytes: Uint8Array; sha256: string; mediaType: string };
