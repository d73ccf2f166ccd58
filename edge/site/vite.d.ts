/// <reference types="vite/client" />

interface ImportMetaEnv {
  /** Path of the folder with the decoders of compressed meshes, with a slash at its end. */
  readonly DECODERS: string;
}
