import { randomBytes } from 'node:crypto';
import { digestOf } from '../../gpu-origin/digest.ts';
import { meshParams, requestKey } from '../../contract/key.ts';
import type { MeshManifest } from '../../contract/mesh.ts';
import { MeshRequest } from '../../contract/request.ts';
import { bisque } from '../../test/origin-report.ts';
import { apiKey, type BenchEdge } from './edge.ts';
import type { LoadRequest } from './load.ts';
import { reportModel } from './report.ts';

/** Lets the edge know the model of the stored meshes. */
export async function storeModel({ url }: BenchEdge): Promise<void> {
  await reportModel(url, bisque);
}

/** Puts so many random bytes into R2 as an asset; gives its path. */
export async function storeAsset({ store }: BenchEdge, bytes: number): Promise<string> {
  const body = randomBytes(bytes);
  const sha256 = digestOf(body);
  await store.put(`blobs/${sha256}`, body, { httpMetadata: { contentType: 'model/gltf-binary' } });
  return `/assets/${sha256}.glb`;
}

/**
 * Stores the manifest of a mesh that was made of a picture of so many bytes, in R2 alone or in KV alone, and gives the
 * form that asks for it.
 */
export async function storeMesh(
  { store, manifests }: BenchEdge,
  { pictureBytes, tier }: { pictureBytes: number; tier: 'kv' | 'r2' },
): Promise<Omit<LoadRequest, 'url'>> {
  const picture = pictureOf(pictureBytes);
  const manifest = await manifestOf(digestOf(picture));
  const name = `meshes/${manifest.key}.json`;
  const text = JSON.stringify(manifest);
  if (tier === 'kv') await manifests.put(name, text);
  else await store.put(name, text);
  return formOf(picture);
}

/** Random bytes behind the header of a PNG file, which is all of a picture that the edge looks at. */
function pictureOf(bytes: number): Buffer {
  const header = Buffer.from('89504e470d0a1a0a0000000d49484452000001000000010008060000005c72a866', 'hex');
  return Buffer.concat([header, randomBytes(bytes - header.length)]);
}

/** The manifest of a mesh of this picture, with default parameters and a made-up asset. */
export async function manifestOf(imageSha256: string): Promise<MeshManifest> {
  const params = meshParams(MeshRequest.parse({}), bisque);
  const key = await requestKey({ model: bisque, imageSha256, params, scope: 'shared', nonce: null });
  const ms = 10;
  return {
    key,
    model: bisque.id,
    modelDigest: bisque.digest,
    imageSha256,
    outputFormat: 'glb',
    createdAtSeconds: bisque.createdAtSeconds,
    completedAtSeconds: bisque.createdAtSeconds,
    expiresAtSeconds: null,
    asset: {
      sha256: imageSha256,
      bytes: 50_000,
      mediaType: 'model/gltf-binary',
      extension: 'glb',
      vertices: 1000,
      faces: 2000,
      bounds: [
        [0, 0, 0],
        [1, 1, 1],
      ],
      watertight: true,
    },
    thumbnail: { sha256: imageSha256, bytes: 5000, mediaType: 'image/webp', extension: 'webp' },
    provider: 'cpu',
    degraded: false,
    timingsMs: { queue: ms, decode: ms, matte: ms, infer: ms, surface: ms, texture: ms, encode: ms, total: 7 * ms },
    gpuMs: ms,
    reused: null,
  };
}

/** A form as a browser sends it; made once, since a load repeats its bytes. */
async function formOf(picture: Buffer): Promise<Omit<LoadRequest, 'url'>> {
  const form = new FormData();
  form.set('image', new File([new Uint8Array(picture)], 'picture.png'));
  const encoded = new Response(form);
  const headers = {
    authorization: `Bearer ${apiKey}`,
    'content-type': encoded.headers.get('content-type') ?? '',
  };
  return { method: 'POST', headers, body: Buffer.from(await encoded.arrayBuffer()) };
}
