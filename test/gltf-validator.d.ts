declare module 'gltf-validator' {
  /** The part of the validator's report that the tests read; the package ships no types. */
  export type Report = {
    issues: { numErrors: number; numWarnings: number; messages: { code: string; message: string; severity: number }[] };
    info: { hasTextures: boolean; totalTriangleCount: number; totalVertexCount: number };
  };
  export function validateBytes(bytes: Uint8Array): Promise<Report>;
}
