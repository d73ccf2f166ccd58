import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isPublicAddress } from '../../contract/public-address.ts';
import { publicUrl } from '../../edge/outside/public-url.ts';
import { errorOf, mesh, picture, post, postJson } from './client.ts';
import { fakeNetwork, report, type Network } from './fake-origin.ts';

type Records = { type: number; data: string }[];

const a = (data: string) => ({ type: 1, data });
const aaaa = (data: string) => ({ type: 28, data });
const internet = [a('93.184.215.14'), aaaa('2606:2800:21f:cb07:6820:80da:af6b:8b2c')];

let network: Network;
/** What names resolve to, and the servers behind them, in place of the internet. */
let names: Record<string, Records>;
let servers: Record<string, (request: Request) => Response>;
let asked: Request[];
let lookups: number;

beforeEach(async () => {
  network = fakeNetwork();
  names = { 'pictures.example': internet };
  servers = {};
  asked = [];
  lookups = 0;
  const origins = vi.mocked(fetch).getMockImplementation();
  vi.mocked(fetch).mockImplementation(async (input, init) => {
    const request = new Request(input as RequestInfo, init as RequestInit);
    const url = new URL(request.url);
    if (url.hostname === 'cloudflare-dns.com') {
      lookups += 1;
      const type = url.searchParams.get('type') === 'A' ? 1 : 28;
      const found = names[url.searchParams.get('name') ?? ''] ?? [];
      // A chain of aliases comes with the addresses, as resolvers tell it.
      const Answer = [{ type: 5, data: 'alias.example.' }, ...found.filter((record) => record.type === type)];
      return Response.json({ Status: 0, Answer });
    }
    const server = servers[url.host];
    if (server === undefined) return (origins as typeof fetch)(input, init);
    asked.push(request);
    return server(request);
  });
  await report();
});
afterEach(() => void vi.restoreAllMocks());

const byUrl = (image: string, fields: object = {}) => postJson({ image, ...fields });
const found = (bytes: Uint8Array<ArrayBuffer>) => () =>
  new Response(bytes, { headers: { 'content-type': 'text/html' } });
const moved = (location: string) => () => new Response(null, { status: 302, headers: { location } });

test('a picture by its URL and the same picture as a file are one mesh', async () => {
  const bytes = picture();
  servers['pictures.example'] = found(bytes);
  const byFile = await mesh(post(bytes));
  const answer = await postJson({ image: 'https://pictures.example/a.png' }, { cookie: 'a=b', 'x-secret': 'c' });
  expect(answer.status).toBe(202);
  expect((await mesh(answer)).id).toBe(byFile.id);
  expect(Object.fromEntries(asked[0]?.headers ?? [])).toEqual({
    accept: 'image/*',
    'accept-encoding': 'identity',
    'user-agent': 'Meshkiln',
  });
  await vi.waitFor(() => expect(network.jobs).toHaveLength(1));
});

test.each([
  'http://pictures.example/a.png',
  'ftp://pictures.example/a.png',
  'file:///etc/passwd',
  'pictures.example/a.png',
  'https://',
  'https://pictures.example:8443/a.png',
  'https://user:password@pictures.example/a.png',
  'https://user@pictures.example/a.png',
  'https://localhost/a.png',
  'https://LOCALHOST./a.png',
  'https://a.localhost/a.png',
  'https://metadata/computeMetadata/v1/',
  'https://metadata.google.internal/computeMetadata/v1/',
  'https://printer.local/a.png',
  'https://router.home.arpa/a.png',
  'https://127.0.0.1/a.png',
  'https://127.1/a.png',
  'https://2130706433/a.png',
  'https://0x7f000001/a.png',
  'https://0x7f.0.0.1/a.png',
  'https://0177.0.0.01/a.png',
  'https://①②⑦.0.0.1/a.png',
  'https://127.0.0.1./a.png',
  'https://93.184.215.14/a.png',
  'https://[::1]/a.png',
  'https://[::ffff:127.0.0.1]/a.png',
  'https://[64:ff9b::7f00:1]/a.png',
  `https://pictures.example/${'a'.repeat(2048)}`,
])('%s is refused before anything is asked', async (image) => {
  const refused = { status: 400, code: 'invalid_image_url', param: 'image' };
  expect(await errorOf(byUrl(image))).toMatchObject(refused);
  expect([lookups, asked.length]).toEqual([0, 0]);
});

test.each([
  ['loopback', [a('127.0.0.1')]],
  ['a private network', [a('10.1.2.3')]],
  ['cloud metadata', [a('169.254.169.254')]],
  ['nothing', []],
  ['the internet and a private network at once', [...internet, a('192.168.0.1')]],
  ['IPv6 of a private network', [aaaa('fd00::1')]],
])('a name that resolves to %s is not asked', async (_, records) => {
  names['pictures.example'] = records;
  servers['pictures.example'] = found(picture());
  const refused = { status: 400, code: 'image_fetch_failed', param: 'image' };
  expect(await errorOf(byUrl('https://pictures.example/a.png'))).toMatchObject(refused);
  expect(asked).toHaveLength(0);
});

test('three redirects are followed, a fourth is not', async () => {
  names['elsewhere.example'] = internet;
  servers['elsewhere.example'] = found(picture());
  servers['pictures.example'] = ({ url }) => {
    const left = Number(new URL(url).pathname.slice(1));
    return moved(left > 1 ? `/${left - 1}` : 'https://elsewhere.example/')();
  };
  expect((await byUrl('https://pictures.example/3')).status).toBe(202);
  const failed = await errorOf(byUrl('https://pictures.example/4'));
  expect(failed).toMatchObject({ status: 400, code: 'image_fetch_failed', param: 'image' });
});

test.each([
  'http://pictures.example/',
  'https://127.0.0.1/',
  '//[::1]/',
  'https://pictures.example:22/',
  'https://inside.example/',
])('a redirect to %s is not followed', async (location) => {
  names['inside.example'] = [a('10.0.0.1')];
  servers['pictures.example'] = moved(location);
  const failed = await errorOf(byUrl('https://pictures.example/a.png'));
  expect(failed).toMatchObject({ status: 400, code: 'image_fetch_failed' });
  expect(asked).toHaveLength(1);
});

test('what a server answers is told by its status alone, and its bytes decide what it is', async () => {
  servers['pictures.example'] = () => new Response('internal secret', { status: 403 });
  const failed = await errorOf(byUrl('https://pictures.example/a.png'));
  expect(failed).toMatchObject({ status: 400, code: 'image_fetch_failed', param: 'image' });
  expect(failed.message).toContain('403');
  expect(failed.message).not.toContain('secret');
  servers['pictures.example'] = () => new Response('<svg/>', { headers: { 'content-type': 'image/png' } });
  expect(await errorOf(byUrl('https://pictures.example/a.png'))).toMatchObject({ status: 400, code: 'invalid_image' });
});

test('a picture of more than 20 MiB is refused as it is read', async () => {
  let chunks = 0;
  let stopped = false;
  servers['pictures.example'] = () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          chunks += 1;
          controller.enqueue(new Uint8Array(1024 * 1024));
        },
        cancel() {
          stopped = true;
        },
      }),
    );
  const refused = { status: 413, code: 'body_too_large', param: 'image' };
  expect(await errorOf(byUrl('https://pictures.example/endless'))).toMatchObject(refused);
  expect(chunks).toBeLessThan(25);
  expect(stopped).toBe(true);
});

test('a picture that does not come within 10 seconds is given up', async () => {
  const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(AbortSignal.abort());
  const failed = await errorOf(byUrl('https://pictures.example/a.png'));
  expect(failed).toMatchObject({ status: 400, code: 'image_fetch_failed' });
  expect(failed.message).toContain('10 s');
  expect(timeout).toHaveBeenCalledWith(10_000);
});

test.each([
  ['0.0.0.0', 'unspecified'],
  ['10.255.255.255', 'private'],
  ['100.64.0.1', 'shared, RFC 6598'],
  ['127.255.255.254', 'loopback'],
  ['168.63.129.16', 'metadata of Azure'],
  ['169.254.169.254', 'link-local: metadata'],
  ['172.31.0.1', 'private'],
  ['192.0.0.192', 'reserved: metadata of Oracle'],
  ['192.168.1.1', 'private'],
  ['198.18.0.1', 'benchmarking'],
  ['203.0.113.1', 'documentation'],
  ['224.0.0.1', 'multicast'],
  ['255.255.255.255', 'broadcast'],
  ['::', 'unspecified'],
  ['::1', 'loopback'],
  ['::7f00:1', 'IPv4-compatible'],
  ['::ffff:8.8.8.8', 'IPv4-mapped'],
  ['64:ff9b::a00:1', 'NAT64'],
  ['64:ff9b:1::a00:1', 'local NAT64'],
  ['100::1', 'discard'],
  ['2001::1', 'Teredo'],
  ['2001:db8::1', 'documentation'],
  ['2002:a00:1::', '6to4'],
  ['fc00::1', 'unique local'],
  ['fe80::1', 'link-local'],
  ['fec0::1', 'site-local'],
  ['ff02::1', 'multicast'],
  ['4000::1', 'not given out'],
  ['pictures.example', 'a name'],
])('%s is no public address: %s', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test('addresses and names of the internet are public', () => {
  for (const { data } of [...internet, a('1.1.1.1'), aaaa('2a00:1450:4001:80b::200e')]) {
    expect(isPublicAddress(data)).toBe(true);
  }
  expect(publicUrl('https://bücher.example/ä?b#c')?.href).toBe('https://xn--bcher-kva.example/%C3%A4?b#c');
});
