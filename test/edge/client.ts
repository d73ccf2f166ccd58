import { exports } from 'cloudflare:workers';
import type { MeshObject } from '../../contract/mesh.ts';
import { edgeUrl } from './fake-origin.ts';
import { testKeys } from './secrets.ts';

let pictures = 0;

/** The header of a PNG that no other test has, with no picture behind it: the edge looks no further. */
export function picture(size: { width: number; height: number } = { width: 64, height: 64 }): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(64);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13]);
  bytes.set(new TextEncoder().encode('IHDR'), 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(16, size.width);
  view.setUint32(20, size.height);
  view.setUint32(40, ++pictures);
  // Test files share the bucket but not this counter.
  crypto.getRandomValues(bytes.subarray(44));
  return bytes;
}

export type PostOptions = {
  fields?: Record<string, string>;
  headers?: Record<string, string>;
  key?: string;
};

/** `POST /v1/meshes` as a form. */
export function post(image: Uint8Array<ArrayBuffer> | null, options: PostOptions = {}): Promise<Response> {
  const form = new FormData();
  if (image !== null) form.set('image', new File([image], 'picture.png'));
  for (const [name, value] of Object.entries(options.fields ?? {})) form.set(name, value);
  return call('/v1/meshes', { method: 'POST', body: form, ...options });
}

/** `POST /v1/meshes` as JSON. */
export function postJson(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return call('/v1/meshes', {
    method: 'POST',
    body: text,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

/** Any call with a tenant's key. */
export function call(path: string, { key = testKeys.acme, ...init }: RequestInit & { key?: string } = {}) {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${key}`);
  return exports.default.fetch(new Request(edgeUrl + path, { ...init, headers }));
}

export async function mesh(answer: Response | Promise<Response>): Promise<MeshObject> {
  return (await answer).json<MeshObject>();
}

export async function errorOf(answer: Response | Promise<Response>) {
  const response = await answer;
  const { error } = await response.json<{ error: { code: string; param: string | null; message: string } }>();
  return { status: response.status, code: error.code, param: error.param, message: error.message };
}

export function dataUrl(bytes: Uint8Array): string {
  return `data:image/png;base64,${btoa(String.fromCharCode(...bytes))}`;
}
