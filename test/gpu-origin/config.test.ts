import { describe, expect, test } from 'vitest';
import { readConfig } from '../../gpu-origin/config.ts';

const needed = { ORIGIN_ID: 'one', ORIGIN_SECRET: 'a secret of sixteen', EDGE_URL: 'https://edge.example' };

test('only the name, the secret and the edge must be given', () => {
  expect(readConfig(needed, 4)).toMatchObject({
    host: '127.0.0.1',
    port: 8788,
    url: 'http://127.0.0.1:8788',
    devices: [0],
    providers: { order: ['cuda', 'cpu'], explicit: false },
    kernelThreads: 4,
    metricsToken: null,
  });
});

test('providers that the operator names are explicit, so that another one is degraded', () => {
  expect(readConfig({ ...needed, PROVIDERS: 'cpu' }, 4).providers).toEqual({ order: ['cpu'], explicit: true });
});

test('both secrets of a rotation are valid, the present one signs', () => {
  const config = readConfig({ ...needed, ORIGIN_SECRET_PREVIOUS: 'the secret before it' }, 4);
  expect(config.secrets).toEqual(['a secret of sixteen', 'the secret before it']);
  expect(config.secret).toBe('a secret of sixteen');
});

test('an empty variable counts as not given', () => {
  expect(readConfig({ ...needed, ORIGIN_PORT: '', METRICS_TOKEN: '' }, 4)).toMatchObject({
    port: 8788,
    metricsToken: null,
  });
});

test.each([
  ['ORIGIN_ID', undefined, 'must be set'],
  ['ORIGIN_SECRET', 'short', 'at least 16 characters'],
  ['EDGE_URL', 'ftp://edge.example', 'http or https URL'],
  ['ORIGIN_PORT', '70000', '65535'],
  ['ORIGIN_PORT', '80a', 'whole number'],
  ['GPU_DEVICES', '0,0', 'twice'],
  ['GPU_DEVICES', 'cuda:0', 'device numbers'],
  ['PROVIDERS', 'cuda,tpu', 'Invalid option'],
  ['QUEUE_CAPACITY', '0', '>=1'],
])('%s=%s is refused with the variable named', (name, value, message) => {
  const read = () => readConfig({ ...needed, [name]: value }, 4);
  expect(read).toThrow(`${name}: `);
  expect(read).toThrow(message);
});

test('every wrong variable is named at once, and no secret is printed', () => {
  const wrong = { ORIGIN_SECRET: 'hunter2', ORIGIN_PORT: 'x' };
  expect(() => readConfig(wrong, 4)).toThrow(/ORIGIN_ID: [^]*ORIGIN_SECRET: [^]*ORIGIN_PORT: [^]*EDGE_URL: /);
  expect(() => readConfig(wrong, 4)).not.toThrow('hunter2');
});

describe('the keys of image APIs', () => {
  const upstreamsOf = (urls: string, key: string) =>
    readConfig({ ...needed, TEXT_TO_IMAGE_URLS: urls, TEXT_TO_IMAGE_MODEL: 'flux', TEXT_TO_IMAGE_KEY: key }, 4)
      .textToImage?.upstreams;

  test('each goes to its own URL, in their order', () => {
    expect(upstreamsOf('https://a.example/v1, https://b.example/v1,https://c.example', 'key-a, ,key-c')).toEqual([
      { url: 'https://a.example/v1', key: 'key-a' },
      { url: 'https://b.example/v1', key: null },
      { url: 'https://c.example', key: 'key-c' },
    ]);
  });

  test('one serves all URLs of one server, and no others', () => {
    expect(upstreamsOf('https://a.example/v1,https://a.example/v2', 'key')?.map(({ key }) => key)).toEqual([
      'key',
      'key',
    ]);
    const vendors = () => upstreamsOf('https://a.example/v1,https://b.example/v1', 'sk-secret');
    expect(vendors).toThrow('TEXT_TO_IMAGE_KEY: is one key for URLs of several servers; give one for each');
    expect(vendors).not.toThrow('sk-secret');
  });

  test('another number of keys than of URLs is refused', () => {
    expect(() => upstreamsOf('https://a.example', 'a,b')).toThrow('TEXT_TO_IMAGE_KEY: has 2 keys for 1 URLs');
  });
});
