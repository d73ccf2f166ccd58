import type { z } from 'zod';
import { sha256 } from '../../contract/digest.ts';
import { fieldNames, requestShape } from '../../contract/fields.ts';
import { imageLimits, MeshRequest } from '../../contract/request.ts';
import { Problem } from '../../contract/problem.ts';
import { fetchImage } from '../outside/fetch-image.ts';
import type { Outside } from '../outside/outside.ts';
import { publicUrl } from '../outside/public-url.ts';
import { readBody } from '../http/body.ts';
import { decodeDataUrl, isBareBase64 } from './data-url.ts';
import { formName, imageField, readForm } from './form-fields.ts';
import { placeOf } from './form-places.ts';
import { readImageHeader } from '../../contract/image-header.ts';
import { invalidParameter } from './invalid.ts';
import { parseFormFields } from './parsed-forms.ts';
import { fieldsTooLarge, parseJson } from '../http/parse-json.ts';
import { parseMultipart, type Part } from './multipart.ts';

/** What a mesh is made from: picture bytes with a good header, the digest of a picture sent before, or a prompt. */
export type PostedImage =
  | { is: 'sent'; bytes: Uint8Array<ArrayBuffer>; sha256: string; mediaType: string }
  | { is: 'known'; sha256: string }
  | { is: 'prompt'; prompt: string };

/** What a `POST /v1/meshes` asks for. `nameOf` turns a field's path into the name that the client wrote. */
export type PostedMesh = { request: MeshRequest; image: PostedImage; nameOf: (path: readonly PropertyKey[]) => string };

type Picture = { bytes: Uint8Array<ArrayBuffer>; sha256: string };

/** A request's body, split but not yet parsed. `picture` is a form's file, if there is one. */
export type MeshBody =
  | { is: 'form'; parts: readonly Part[]; bytes: number; picture: Picture | null }
  | { is: 'json'; fields: unknown };

/** Space for all fields of a request except its picture, and for the framing of a form, in bytes. */
const fieldBytesMax = 256 * 1024;
const formBytesMax = imageLimits.fileBytesMax + fieldBytesMax;
const jsonBytesMax = Math.ceil((imageLimits.dataUrlBytesMax * 4) / 3) + fieldBytesMax;

/** Reads the body of a `POST /v1/meshes`, a form or JSON. Throws the Problem that says what is wrong. */
export async function readMeshBody(request: Request): Promise<MeshBody> {
  const contentType = request.headers.get('content-type') ?? '';
  const mediaType = contentType.split(';')[0]?.trim().toLowerCase();
  if (mediaType === 'multipart/form-data') {
    const body = await readBody(request, formBytesMax);
    const parts = parseMultipart(body, contentType);
    const bytes = parts.find(({ name }) => placeOf(name).is === 'picture')?.body;
    // defence: API4-20
    if (body.byteLength - (bytes?.byteLength ?? 0) > fieldBytesMax) throw fieldsTooLarge(fieldBytesMax);
    const picture = bytes === undefined ? null : { bytes, sha256: await sha256(bytes) };
    return { is: 'form', parts, bytes: body.byteLength, picture };
  }
  if (mediaType === 'application/json') {
    return { is: 'json', fields: parseJson(await readBody(request, jsonBytesMax), { fieldBytesMax }) };
  }
  throw new Problem('unsupported_media_type', 'Content-Type must be multipart/form-data or application/json.');
}

/**
 * Parses a request's body, and fetches a picture given by URL through `outside`. Throws the Problem that names what is
 * wrong.
 */
export async function parseMeshBody(body: MeshBody, outside: Outside): Promise<PostedMesh> {
  const { parsed, nameOf } = parseFields(body);
  if (!parsed.success) throw invalidParameter(parsed.error, nameOf);
  const file = body.is === 'form' ? body.picture : null;
  refuseContradictions(parsed.data, file !== null);
  return { request: parsed.data, image: await imageOf(parsed.data, { file, outside }), nameOf };
}

type Fields = { parsed: z.ZodSafeParseResult<MeshRequest> } & Pick<PostedMesh, 'nameOf'>;

function parseFields(body: MeshBody): Fields {
  if (body.is === 'json') {
    refusePrototype(body.fields);
    return { parsed: MeshRequest.safeParse(withoutNulls(body.fields)), nameOf: (path) => path.join('.') };
  }
  const fields = readForm(body.parts);
  refusePrototype(fields);
  const pictureBytes = body.picture?.bytes.byteLength ?? 0;
  if (pictureBytes > imageLimits.fileBytesMax) {
    const message = `The image may have at most ${imageLimits.fileBytesMax} bytes.`;
    throw new Problem('body_too_large', message, { param: imageField });
  }
  return { parsed: parseFormFields(fields, { bytes: body.bytes - pictureBytes }), nameOf: formName };
}

/** Refuses a pair that no object can keep: `__proto__` names an object's prototype, and would be dropped in silence. */
function refusePrototype(fields: unknown): void {
  const metadata = typeof fields === 'object' && fields !== null && 'metadata' in fields ? fields.metadata : null;
  if (typeof metadata !== 'object' || metadata === null || !Object.hasOwn(metadata, '__proto__')) return;
  const message = 'A pair of "metadata" cannot be named "__proto__"; choose another name.';
  throw new Problem('invalid_parameter', message, { param: 'metadata' });
}

/** Fields that null means something for. In the others it stands for a field that is not given. */
const nullable = new Set<string>(fieldNames.filter((name) => requestShape[name].safeParse(null).success));

function withoutNulls(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(
    Object.entries(body).filter(([name, value]) => value !== null || nullable.has(name) || !(name in requestShape)),
  );
}

/** Refuses combinations that single fields allow: two sources of the picture. Also a webhook URL that is not public. */
function refuseContradictions({ prompt, image, webhook_url: webhookUrl }: MeshRequest, hasFile: boolean): void {
  if (prompt !== undefined && (hasFile || image !== undefined)) {
    throw new Problem('invalid_parameter', 'Give an image or a prompt, not both.', { param: 'prompt' });
  }
  // defence: API7-8
  if (webhookUrl !== undefined && publicUrl(webhookUrl) === null) {
    const message = 'A webhook_url must be a public https URL: a host name, no port and no credentials.';
    throw new Problem('invalid_parameter', message, { param: 'webhook_url' });
  }
}

async function imageOf(
  { image, prompt }: MeshRequest,
  { file, outside }: { file: Picture | null; outside: Outside },
): Promise<PostedImage> {
  if (prompt !== undefined) return { is: 'prompt', prompt };
  if (typeof image === 'object') {
    if (file === null) return { is: 'known', sha256: image.sha256 };
    throw new Problem('invalid_parameter', 'Give a picture or its digest, not both.', { param: 'image_sha256' });
  }
  if (file !== null) return { is: 'sent', ...file, mediaType: readImageHeader(file.bytes).mediaType };
  const bytes = await bytesOf(image, outside);
  const { mediaType } = readImageHeader(bytes);
  return { is: 'sent', bytes, sha256: await sha256(bytes), mediaType };
}

async function bytesOf(image: string | undefined, outside: Outside): Promise<Uint8Array<ArrayBuffer>> {
  if (image === undefined)
    throw new Problem('missing_image', 'Give a picture in "image", or a "prompt".', { param: 'image' });
  if (/^data:/i.test(image)) return decodeDataUrl(image);
  if (isBareBase64(image)) {
    const message = 'The image is base64 without its beginning: put "data:image/png;base64," before it.';
    throw new Problem('invalid_image', message, { param: 'image' });
  }
  return fetchImage(image, outside);
}
