import type { z } from 'zod';
import { MeshRequest } from '../../contract/request.ts';
import { Memory } from '../store/memory.ts';

/** Bytes of a form beside its picture up to which its fields are remembered: far more than most have. */
const formBytesMax = 4096;

/** Bytes of requests that an isolate remembers with the fields that they were parsed from. */
const requestsBytesMax = 512 * 1024;

/** About what a request takes beside its text, most of it defaults. */
const requestBytes = 2048;

type Parsed = { text: string; request: MeshRequest };

const parsedForms = new Memory<Parsed>({
  bytesMax: requestsBytesMax,
  sizeOf: ({ text }) => 4 * text.length + requestBytes,
  now: () => Date.now(),
});

/**
 * Parses the fields of a form as `MeshRequest.safeParse` does. The same few come again and again with other pictures, so a
 * small form's are remembered by their text; what is given is shared with other requests, and frozen.
 */
export function parseFormFields(
  fields: Record<string, unknown>,
  { bytes }: { bytes: number },
): z.ZodSafeParseResult<MeshRequest> {
  if (bytes > formBytesMax) return MeshRequest.safeParse(fields);
  const text = JSON.stringify(fields);
  const known = parsedForms.get(text);
  if (known !== null) return { success: true, data: known.request };
  const parsed = MeshRequest.safeParse(fields);
  if (parsed.success) parsedForms.set(text, { text, request: frozen(parsed.data) });
  return parsed;
}

function frozen(request: MeshRequest): MeshRequest {
  for (const part of [request, request.cache, request.cache.tags, request.metadata, request.image]) Object.freeze(part);
  return request;
}
