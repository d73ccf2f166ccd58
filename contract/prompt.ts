import { z } from 'zod';
import { canonicalJson } from './canonical-json.ts';
import { TextToImageModel } from './model.ts';
import { Prompt } from './fields.ts';

/**
 * What stands in the picture's place when a mesh is asked for in words: its bytes are the body of the job, and their
 * digest takes part in the request key where the picture's does. The model makes the picture, so another one makes
 * another mesh.
 */
export const PromptInput = z.strictObject({ model: TextToImageModel, prompt: Prompt });
export type PromptInput = z.infer<typeof PromptInput>;

/** The one form in bytes of a prompt input: canonical JSON (RFC 8785). */
export function promptInputBytes(input: PromptInput): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(canonicalJson(input)) as Uint8Array<ArrayBuffer>;
}

/** Reads the bytes of a prompt input back; throws when they are none. */
export function readPromptInput(bytes: Uint8Array): PromptInput {
  return PromptInput.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)));
}
