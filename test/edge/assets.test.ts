import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, test, vi } from 'vitest';
import { hex } from '../../contract/digest.ts';
import { heldAssetBytesMax } from '../../edge/store/asset.ts';
import { openAsset, readAsset } from '../../edge/store/assets.ts';
import { memoryLifeSeconds } from '../../edge/store/memory.ts';
import { MeshIndex } from '../../edge/search/mesh-index.ts';
import { openStores } from '../../edge/store/stores.ts';
import { beginRequest } from '../../edge/request-context.ts';
import { serveAsset, type AssetToServe } from '../../edge/routes/serve-asset.ts';
import { failing, faultyR2, pulledStream, r2Object } from './faulty-storage.ts';
import { ask, bodyOf, digestOf, someBytes, storeAsset, type StoredAsset } from './stored-asset.ts';

const largeBytes = heldAssetBytesMax + 500_000;
/** For what takes seconds on a quiet machine. */
const slowTestMs = 60_000;
const assetsUrl = 'https://edge.example/assets/';
const route = { route: '/assets/:file', isOpen: true };

/** What assets are served from, with a bucket of the test's own. */
function storesOf(r2: R2Bucket) {
  const stores = openStores({ ...env, STORE: r2 });
  return { ...stores, index: new MeshIndex({ db: env.INDEX, ...stores }) };
}

afterEach(() => {
  vi.useRealTimers();
});

/** Serves an asset from a bucket of the test's own and waits until nothing goes on behind the answer. */
async function serve(
  asset: Pick<StoredAsset, 'sha256' | 'url'>,
  { r2 = env.STORE, ...options }: Partial<AssetToServe> & { r2?: R2Bucket } = {},
) {
  const context = createExecutionContext();
  const answer = serveAsset(beginRequest(new Request(asset.url), context, route), {
    name: { sha256: asset.sha256, extension: 'glb' },
    ...storesOf(r2),
    access: { life: 'immutable' },
    ...options,
  });
  return { answer, settled: () => waitOnExecutionContext(context) };
}

test('a download carries the headers that its digest allows', async () => {
  const asset = await storeAsset(someBytes(5000, 10));
  const response = await ask(asset.url);
  expect(response.status).toBe(200);
  expect(await digestOf(response)).toBe(asset.sha256);
  const digest = asset.sha256.match(/../g)?.map((pair) => parseInt(pair, 16)) ?? [];
  const expected = {
    'accept-ranges': 'bytes',
    'access-control-allow-origin': '*',
    'access-control-expose-headers': '*',
    'cache-control': 'public, max-age=31536000, immutable',
    'cache-status': 'meshkiln; hit; detail=r2',
    'content-disposition': `attachment; filename="meshkiln-${asset.sha256.slice(0, 12)}.glb"`,
    'content-length': '5000',
    'content-security-policy': "default-src 'none'; sandbox",
    'content-type': 'model/gltf-binary',
    'cross-origin-resource-policy': 'cross-origin',
    etag: `"${asset.sha256}"`,
    'repr-digest': `sha-256=:${btoa(String.fromCharCode(...digest))}:`,
    'x-content-type-options': 'nosniff',
  };
  expect(Object.fromEntries(response.headers)).toMatchObject(expected);
});

test('a preflight lets any page ask for a part of an asset', async () => {
  const headers = {
    origin: 'https://viewer.example',
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'range,if-range',
  };
  const response = await ask(`${assetsUrl}${'0'.repeat(64)}.glb`, { method: 'OPTIONS', headers });
  expect(response.status).toBe(204);
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(response.headers.get('access-control-allow-methods')).toContain('GET');
  expect(response.headers.get('access-control-allow-headers')).toBe('range,if-range');
});

test('a whole asset from memory is answered past the router as the router answers it', async () => {
  const asset = await storeAsset(someBytes(5000, 17));
  const { answer, settled } = await serve(asset);
  await Promise.all([bodyOf(await answer), settled()]);
  // A precondition that holds changes nothing in the answer, but is the router's to evaluate.
  const asked = ['a-request-of-mine', 'two words'].map((id) => ({ 'x-request-id': id }));
  for (const headers of [{}, ...asked]) {
    const [past, through] = await Promise.all([
      ask(asset.url, { headers }),
      ask(asset.url, { headers: { ...headers, 'if-match': '*' } }),
    ]);
    const [ofPast, ofThrough] = [past, through].map((each) => ({
      ...Object.fromEntries(each.headers),
      'x-request-id': each.headers.get('x-request-id')?.replace(/^req_[0-9a-f-]{36}$/, 'a fresh one'),
    }));
    expect(ofPast).toEqual(ofThrough);
    expect(ofPast).toMatchObject({ 'cache-status': 'meshkiln; hit; detail=memory' });
    expect(await digestOf(past)).toBe(await digestOf(through));
  }
  const otherNames = [`${asset.url}?`, asset.url.replace('.glb', '.stl'), asset.url.replace('/assets/', '/assets//')];
  const statuses = await Promise.all(otherNames.map(async (url) => (await ask(url)).status));
  expect(statuses).toEqual([200, 404, 404]);
});

test('HEAD answers with the headers of GET and no body', async () => {
  const asset = await storeAsset(someBytes(5000, 11));
  await (await ask(asset.url)).arrayBuffer();
  const [get, head] = [await ask(asset.url), await ask(asset.url, { method: 'HEAD' })];
  const [ofGet, ofHead] = [get, head].map(({ headers }) => ({ ...Object.fromEntries(headers), 'x-request-id': '' }));
  expect(ofHead).toEqual(ofGet);
  expect((await bodyOf(head)).byteLength).toBe(0);
  await get.arrayBuffer();
});

test('a thumbnail is shown, not downloaded', async () => {
  const asset = await storeAsset(someBytes(300, 12), { extension: 'webp' });
  const response = await ask(asset.url);
  expect(response.headers.get('content-disposition')).toMatch(/^inline; filename="meshkiln-[0-9a-f]{12}\.webp"$/);
  expect(response.headers.get('content-type')).toBe('image/webp');
  await response.arrayBuffer();
});

test('a wrong extension, an unknown one and a malformed name are 404', async () => {
  const asset = await storeAsset(someBytes(300, 13));
  await (await ask(asset.url)).arrayBuffer();
  const { sha256 } = asset;
  const files = [
    `${sha256}.stl`,
    `${sha256}.exe`,
    `${sha256}.__proto__`,
    `${sha256}.constructor`,
    sha256,
    `${sha256}.`,
    `${sha256}.glb.glb`,
    `${sha256.toUpperCase()}.glb`,
    `${sha256.slice(1)}.glb`,
    `..%2Fblobs%2F${sha256}.glb`,
    `${sha256}%00.glb`,
  ];
  for (const file of files) {
    const response = await ask(assetsUrl + file);
    expect([file, response.status]).toEqual([file, 404]);
    expect(await response.json()).toMatchObject({ error: { code: 'not_found' } });
  }
});

test('the nearest tier answers, and a read further down fills it', async () => {
  const asset = await storeAsset(someBytes(5000, 14));
  const tier = async () => {
    const { answer, settled } = await serve(asset);
    const response = await answer;
    await Promise.all([response.arrayBuffer(), settled()]);
    return response.headers.get('cache-status');
  };
  expect(await tier()).toBe('meshkiln; hit; detail=r2');
  expect(await tier()).toBe('meshkiln; hit; detail=memory');
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + memoryLifeSeconds * 1000 + 1 });
  await env.STORE.delete(`blobs/${asset.sha256}`);
  expect(await tier()).toBe('meshkiln; hit; detail=colo');
  expect(await tier()).toBe('meshkiln; hit; detail=memory');
});

test('a large asset is kept by the location and never held in memory', async () => {
  const asset = await storeAsset(someBytes(largeBytes, 15));
  const tiers: (string | null)[] = [];
  for (let read = 0; read < 3; read++) {
    const { answer, settled } = await serve(asset);
    const response = await answer;
    expect(await digestOf(response)).toBe(asset.sha256);
    tiers.push(response.headers.get('cache-status'));
    await settled();
  }
  expect(tiers).toEqual(['r2', 'colo', 'colo'].map((tier) => `meshkiln; hit; detail=${tier}`));
});

test('a 90 MB asset streams through with less than 1 MiB ahead of its reader', { timeout: slowTestMs }, async () => {
  const size = 90_000_000;
  const piece = someBytes(50_000, 16);
  const digest = new crypto.DigestStream('SHA-256');
  const hasher = digest.getWriter();
  for (let made = 0; made < size; made += piece.byteLength) await hasher.write(piece);
  await hasher.close();
  const sha256 = hex(new Uint8Array(await digest.digest));

  let reads = 0;
  let pulled = 0;
  const get = async () => {
    // The second read is the one that fills the location's cache.
    const isAnswer = reads++ === 0;
    const body = pulledStream(size, piece, (bytes) => (pulled += isAnswer ? bytes : 0));
    return r2Object('model/gltf-binary', size, body);
  };
  const r2 = faultyR2(env.STORE, { get: get as R2Bucket['get'] });
  const { answer, settled } = await serve({ sha256, url: `${assetsUrl}${sha256}.glb` }, { r2 });
  let received = 0;
  let furthestAhead = 0;
  for await (const chunk of (await answer).body ?? []) {
    received += chunk.byteLength;
    furthestAhead = Math.max(furthestAhead, pulled - received);
  }
  expect(received).toBe(size);
  expect(furthestAhead).toBeLessThan(1024 * 1024);
  await settled();
  expect(reads).toBe(2);
  const copy = await caches.default.match(`${assetsUrl}${sha256}.glb`);
  expect(copy?.headers.get('content-length')).toBe(String(size));
  await copy?.body?.cancel();
});

test('a damaged small asset is an error before its first byte, and is set aside', async () => {
  const asset = await storeAsset(someBytes(5000, 17), { under: 'a'.repeat(64) });
  const { answer, settled } = await serve(asset);
  await expect(answer).rejects.toMatchObject({ code: 'internal_error' });
  await settled();
  expect(await env.STORE.head(`blobs/${asset.sha256}`)).toBeNull();
  const note = await env.STORE.get(`quarantine/${asset.sha256}.json`);
  expect(await note?.json()).toMatchObject({ blobKey: `blobs/${asset.sha256}`, sizeBytes: 5000 });
  await expect((await serve(asset)).answer).rejects.toMatchObject({ code: 'not_found' });
});

test('a damaged large asset never completes, and is set aside', async () => {
  const asset = await storeAsset(someBytes(largeBytes, 18), { under: 'b'.repeat(64) });
  const { answer, settled } = await serve(asset);
  await expect(bodyOf(await answer)).rejects.toThrow();
  await settled();
  expect(await env.STORE.head(`blobs/${asset.sha256}`)).toBeNull();
  expect(await caches.default.match(asset.url)).toBeUndefined();
});

test('bytes that were damaged on the way fail once and are not set aside', async () => {
  const asset = await storeAsset(someBytes(5000, 19));
  let reads = 0;
  const get = async (key: string) => {
    if (reads++ > 0) return env.STORE.get(key);
    return r2Object(
      'model/gltf-binary',
      5000,
      pulledStream(5000, new Uint8Array(5000), () => undefined),
    );
  };
  const r2 = faultyR2(env.STORE, { get: get as R2Bucket['get'] });
  const { answer, settled } = await serve(asset, { r2 });
  await expect(answer).rejects.toMatchObject({ code: 'internal_error' });
  await settled();
  expect(await digestOf(await ask(asset.url))).toBe(asset.sha256);
});

test('a second look that ends early sets nothing aside', async () => {
  const asset = await storeAsset(someBytes(5000, 26));
  let reads = 0;
  const get = async () => {
    const length = reads++ === 0 ? 5000 : 100;
    return r2Object(
      'model/gltf-binary',
      5000,
      pulledStream(length, new Uint8Array(length), () => undefined),
    );
  };
  const { answer, settled } = await serve(asset, { r2: faultyR2(env.STORE, { get: get as R2Bucket['get'] }) });
  await expect(answer).rejects.toMatchObject({ code: 'internal_error' });
  await expect(settled()).rejects.toThrow('ended early');
  expect(await digestOf(await ask(asset.url))).toBe(asset.sha256);
});

test("a damaged copy in the location's cache gives way to the truth", async () => {
  const asset = await storeAsset(someBytes(5000, 20));
  const headers = { 'content-type': 'model/gltf-binary', 'content-length': '5000', 'cache-control': 'max-age=60' };
  await caches.default.put(asset.url, new Response(new Uint8Array(5000), { headers }));
  const response = await ask(asset.url);
  expect(response.headers.get('cache-status')).toBe('meshkiln; hit; detail=r2');
  expect(await digestOf(response)).toBe(asset.sha256);
});

test('a stream that ends early in R2 leaves no answer and no copy', async () => {
  const asset = await storeAsset(someBytes(largeBytes, 21));
  const half = asset.bytes.slice(0, largeBytes / 2);
  const get = async () =>
    r2Object(
      'model/gltf-binary',
      largeBytes,
      pulledStream(half.byteLength, half, () => undefined),
    );
  const { answer, settled } = await serve(asset, { r2: faultyR2(env.STORE, { get: get as R2Bucket['get'] }) });
  await expect(bodyOf(await answer)).rejects.toThrow();
  await settled();
  expect(await caches.default.match(asset.url)).toBeUndefined();
  expect(await digestOf(await ask(asset.url))).toBe(asset.sha256);
});

test('a failing R2 is an error and not a missing asset', async () => {
  const r2 = faultyR2(env.STORE, { get: failing('R2 is down') as R2Bucket['get'] });
  const sha256 = 'c'.repeat(64);
  const { answer } = await serve({ sha256, url: `${assetsUrl}${sha256}.glb` }, { r2 });
  await expect(answer).rejects.toThrow('R2 is down');
});

test('a range is read from R2 when the copy of the location went meanwhile', async () => {
  const asset = await storeAsset(someBytes(largeBytes, 22));
  const first = await serve(asset);
  await Promise.all([(await first.answer).arrayBuffer(), first.settled()]);
  const context = createExecutionContext();
  const place = { kind: 'shared', assetsUrl } as const;
  const { blobs } = openStores(env);
  const options = { blobs, onDamage: () => Promise.resolve(), background: context, place };
  const name = { sha256: asset.sha256, extension: 'glb' } as const;
  const found = await readAsset(name, options);
  if (!found) throw new Error('the asset was stored above');
  expect(found.tier).toBe('colo');
  await caches.default.delete(asset.url);
  const body = await openAsset({ name, found, range: { start: 10, end: 19 } }, options);
  expect(await bodyOf(new Response(body))).toEqual(asset.bytes.slice(10, 20));
  await waitOnExecutionContext(context);
});

test('a private asset is kept by no cache and found under its own mesh alone', async () => {
  const bytes = someBytes(5000, 23);
  const { sha256, url } = await storeAsset(bytes);
  await env.STORE.delete(`blobs/${sha256}`);
  const meshKey = 'd'.repeat(64);
  await env.STORE.put(`private/${meshKey}/${sha256}`, bytes, { httpMetadata: { contentType: 'model/gltf-binary' } });
  for (let read = 0; read < 2; read++) {
    const { answer, settled } = await serve({ sha256, url }, { access: { life: 'private', meshKey } });
    const response = await answer;
    expect(response.headers.get('cache-control')).toBe('private, no-store');
    expect(response.headers.get('cache-status')).toBe('meshkiln; hit; detail=r2');
    expect(await bodyOf(response)).toEqual(bytes);
    await settled();
  }
  expect(await caches.default.match(url)).toBeUndefined();
  expect((await ask(url)).status).toBe(404);
  const stranger = await serve({ sha256, url }, { access: { life: 'private', meshKey: 'e'.repeat(64) } });
  await expect(stranger.answer).rejects.toMatchObject({ code: 'not_found' });
});

test('a POST that asks for bytes gets the whole whatever its range and preconditions say', async () => {
  const asset = await storeAsset(someBytes(5000, 24));
  const headers = { range: 'bytes=0-1', 'if-none-match': '*' };
  const context = createExecutionContext();
  const request = new Request('https://edge.example/v1/meshes', { method: 'POST', headers });
  const response = await serveAsset(beginRequest(request, context, route), {
    name: { sha256: asset.sha256, extension: 'glb' },
    ...storesOf(env.STORE),
    access: { life: 'revalidated' },
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('cache-control')).toBe('public, no-cache');
  expect(await digestOf(response)).toBe(asset.sha256);
  await waitOnExecutionContext(context);
});
