/** What a page may load: its own scripts and styles, and nothing of another host. */
const contentSecurityPolicy = [
  "default-src 'none'",
  // Decoders of compressed meshes are WebAssembly; the viewer runs one in a worker that it makes of a blob.
  // defence: API8-2
  "script-src 'self' 'wasm-unsafe-eval'",
  'worker-src blob:',
  // The digest is that of the one style that the 3D viewer (model-viewer 4.4) puts into its own element.
  "style-src 'self' 'sha256-PXtZZkJMMyc18o/DN1ZEFOJ2qEGq95IQbVaJFMOXOb0='",
  // A picture that was dropped, and the textures that the viewer unpacks from a mesh, are blobs.
  "img-src 'self' blob:",
  "connect-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Headers of every page, in addition to those of its file. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  // Cached and revalidated by ETag: after a deployment a page names other files.
  'cache-control': 'no-cache',
};
