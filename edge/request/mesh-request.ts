import type { z } from 'zod';
import { imageLimits, MeshRequest } from '../../contract/request.ts';
import { Problem } from '../../contract/problem.ts';
import { fetchImage } from '../outside/fetch-image.ts';
import type { Outside } from '../outside/outside.ts';
import { publicUrl } from '../outside/public-url.ts';
import { readBody } from './body.ts';
import { decodeDataUrl } from './data-url.ts';
import { formName, readForm } from './form-fields.ts';
import { readImageHeader } from './image-header.ts';
import { invalidParameter } from './invalid.ts';
import { parseFormFields } from './parsed-forms.ts';
import { parseJson } from './parse-json.ts';
import { parseMultipart } from './multipart.ts';

/**
 * What a mesh is to be made of: a picture's bytes, whose header was found good, the digest of one that was sent before, or
 * a prompt.
 */
export type PostedImage =
  | { is: 'sent'; bytes: Uint8Array<ArrayBuffer>; mediaType: string }
  | { is: 'known'; sha256: string }
  | { is: 'prompt'; prompt: string };

/** What a `POST /v1/meshes` asks for; `nameOf` gives a field's path the name that the client wrote. */
export type PostedMesh = { request: MeshRequest; image: PostedImage; nameOf: (path: readonly PropertyKey[]) => string };

/** Room for every field of a request but its picture, and for the framing of a form. */
const fieldBytesMax = 256 * 1024;
const formBytesMax = imageLimits.fileBytesMax + fieldBytesMax;
const jsonBytesMax = Math.ceil((imageLimits.dataUrlBytesMax * 4) / 3) + fieldBytesMax;

/**
 * Reads a `POST /v1/meshes`, a form or JSON, and fetches a picture that is given by its URL through `outside`. Throws
 * the Problem that names what is wrong with it.
 */
export async function readMeshRequest(request: Request, outside: Outside): Promise<PostedMesh> {
  const { parsed, image: file, nameOf } = await readFields(request);
  if (!parsed.success) throw invalidParameter(parsed.error, nameOf);
  refuseContradictions(parsed.data, file !== null);
  return { request: parsed.data, image: await imageOf(parsed.data, { file, outside }), nameOf };
}

type Fields = { parsed: z.ZodSafeParseResult<MeshRequest>; image: Uint8Array<ArrayBuffer> | null } & Pick<
  PostedMesh,
  'nameOf'
>;

async function readFields(request: Request): Promise<Fields> {
  const contentType = request.headers.get('content-type') ?? '';
  const mediaType = contentType.split(';')[0]?.trim().toLowerCase();
  if (mediaType === 'multipart/form-data') {
    const body = await readBody(request, formBytesMax);
    const { fields, image } = readForm(parseMultipart(body, contentType));
    const imageBytes = image?.byteLength ?? 0;
    if (imageBytes > imageLimits.fileBytesMax) {
      const message = `The image may have at most ${imageLimits.fileBytesMax} bytes.`;
      throw new Problem('body_too_large', message, { param: 'image' });
    }
    const parsed = parseFormFields(fields, { bytes: body.byteLength - imageBytes });
    return { parsed, image, nameOf: formName };
  }
  if (mediaType === 'application/json') {
    const fields = parseJson(await readBody(request, jsonBytesMax));
    return { parsed: MeshRequest.safeParse(fields), image: null, nameOf: (path) => path.join('.') };
  }
  throw new Problem('unsupported_media_type', 'Content-Type must be multipart/form-data or application/json.');
}

/** Refuses what each field by itself allows: two sources of the picture, and a URL that may not be asked. */
function refuseContradictions({ prompt, image, webhook_url: webhookUrl }: MeshRequest, hasFile: boolean): void {
  if (prompt !== undefined && (hasFile || image !== undefined)) {
    throw new Problem('invalid_parameter', 'Give an image or a prompt, not both.', { param: 'prompt' });
  }
  if (webhookUrl !== undefined && publicUrl(webhookUrl) === null) {
    const message = 'A webhook_url must be a public https URL: a host name, no port and no credentials.';
    throw new Problem('invalid_parameter', message, { param: 'webhook_url' });
  }
}

async function imageOf(
  { image, prompt }: MeshRequest,
  { file, outside }: { file: Uint8Array<ArrayBuffer> | null; outside: Outside },
): Promise<PostedImage> {
  if (prompt !== undefined) return { is: 'prompt', prompt };
  if (typeof image === 'object') {
    if (file === null) return { is: 'known', sha256: image.sha256 };
    throw new Problem('invalid_parameter', 'Give a picture or its digest, not both.', { param: 'image_sha256' });
  }
  const bytes = file ?? (await bytesOf(image, outside));
  return { is: 'sent', bytes, mediaType: readImageHeader(bytes).mediaType };
}

async function bytesOf(image: string | undefined, outside: Outside): Promise<Uint8Array<ArrayBuffer>> {
  if (image === undefined)
    throw new Problem('missing_image', 'Give a picture in "image", or a "prompt".', { param: 'image' });
  return /^data:/i.test(image) ? decodeDataUrl(image) : fetchImage(image, outside);
}
