import * as fc from 'fast-check';

/** A request to be sent as it is; `signed` ones get an origin's valid signature, so that they reach what is behind it. */
export type FuzzRequest = {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Uint8Array<ArrayBuffer> | null;
  key: 'user' | 'admin' | 'wrong' | 'none' | 'signed';
};

/** What is really there, so that requests can be about it. */
export type Known = { meshId: string; assetFile: string };

const utf8 = (text: string) => new TextEncoder().encode(text);

/** Text that a header can carry: what is visible in Latin-1, spaces and tabs. */
const headerText = fc.string({
  unit: fc
    .oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
      fc.integer({ min: 0xa0, max: 0xff }),
      fc.constant(9),
    )
    .map((code) => String.fromCharCode(code)),
  maxLength: 60,
});

const oddNames = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '',
  'a.b',
  'image[]',
  'ìmage',
  '\u0000',
  '💥',
];
const fieldNames = [
  'image',
  'prompt',
  'model',
  'output_format',
  'seed',
  'remove_background',
  'foreground_ratio',
  'mc_resolution',
  'texture',
  'texture_resolution',
  'target_face_count',
  'compression',
  'largest_dimension_mm',
  'cache',
  'cache_mode',
  'cache_scope',
  'cache_tags',
  'image_sha256',
  'priority',
  'metadata',
  'webhook_url',
];
const fieldName = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...fieldNames) },
  fc.constantFrom(...oddNames),
  fc.string({ maxLength: 12 }),
);
const plausible = fc.constantFrom<unknown>(
  'glb',
  'obj',
  'stl',
  'default',
  'bisque@1',
  'auto',
  'none',
  'draco',
  true,
  false,
  null,
  0,
  1,
  -1,
  0.5,
  512,
  1024,
  1e308,
  2 ** 53,
  '',
  '{}',
  '[]',
  [],
  {},
  { mode: 'no_store' },
  { mode: 'only_if_cached' },
  { mode: 'refresh' },
  { scope: 'private', tags: ['a'] },
  { sha256: '0'.repeat(64) },
  { a: 'b' },
  'https://127.0.0.1/a',
  'https://a.invalid/',
  'http://[::1]/',
);

/** Starts of pictures of every format that is known, whole enough to pass or nearly so. */
const pictureStarts = [
  '89504e470d0a1a0a0000000d4948445200000040000000400806000000aa697111',
  'ffd8ffe00004ffffffc2000b080009000801010000',
  '474946383961080009000000000',
  '52494646000000005745425056503858000000000000000007000008000000000000',
  '00000014667479706176696600000000617669660000003',
];
const picture = fc
  .tuple(
    fc.constantFrom(...pictureStarts),
    fc.uint8Array({ maxLength: 40 }),
    fc.integer({ min: 0, max: 40 }),
    fc.nat(255),
  )
  .map(([start, rest, at, value]) => {
    const bytes = new Uint8Array(Buffer.concat([Buffer.from(start.slice(0, start.length & ~1), 'hex'), rest]));
    if (at < bytes.length && value < 128) bytes[at] = value; // half of them stay as they are
    return bytes;
  });
const dataUrl = fc
  .tuple(
    fc.constantFrom('image/png', 'image/webp', 'text/plain', ''),
    fc.oneof(picture, fc.uint8Array({ maxLength: 50 })),
  )
  .map(([type, bytes]) => `data:${type};base64,${Buffer.from(bytes).toString('base64')}`);

const value = fc.oneof({ weight: 4, arbitrary: plausible }, dataUrl, fc.jsonValue({ maxDepth: 3 }));
const fields = fc
  .array(fc.tuple(fieldName, value), { maxLength: 6 })
  .map((pairs) => Object.fromEntries(pairs) as Record<string, unknown>);

/** Fields that are as they should be. */
const goodFields = fc.record(
  {
    model: fc.constantFrom('default', 'bisque', 'bisque@1'),
    output_format: fc.constantFrom('glb', 'obj', 'stl', 'ply'),
    seed: fc.nat(3),
    remove_background: fc.constantFrom('auto', true, false),
    foreground_ratio: fc.constantFrom(0.5, 0.85, 1),
    texture: fc.boolean(),
    cache: fc.constantFrom(
      { mode: 'no_store' },
      { mode: 'only_if_cached' },
      { scope: 'private' },
      { tags: ['a', '💥'] },
    ),
    metadata: fc.dictionary(fc.string({ minLength: 1, maxLength: 10, unit: 'binary' }), fc.string({ maxLength: 10 }), {
      maxKeys: 3,
    }),
    webhook_url: fc.constantFrom('https://a.invalid/', 'https://a.invalid/b'),
  },
  { requiredKeys: [] },
);
const goodImage = fc.nat(50).map((number) => {
  const png = Buffer.alloc(64, 0);
  Buffer.from('89504e470d0a1a0a0000000d494844520000000800000008', 'hex').copy(png);
  png[63] = number;
  return `data:image/png;base64,${png.toString('base64')}`;
});

const json = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(goodFields, goodImage).map(([given, image]) => JSON.stringify({ ...given, image })),
  },
  { weight: 4, arbitrary: fc.tuple(fields, dataUrl).map(([given, image]) => JSON.stringify({ image, ...given })) },
  fields.map((given) => JSON.stringify(given)),
  fc.json({ maxDepth: 4 }),
  fc.integer({ min: 1, max: 20_000 }).map((depth) => '['.repeat(depth)),
  fc.integer({ min: 1, max: 5000 }).map((depth) => `{"metadata":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`),
  fc.constantFrom(
    '',
    '\ufeff{}',
    '{"image":1,"image":2}',
    '{"__proto__":{"image":"x"}}',
    'NaN',
    '"\\ud800"',
    '{"seed":1e999}',
  ),
);
const jsonBody = fc.oneof({ weight: 9, arbitrary: json.map(utf8) }, fc.uint8Array({ maxLength: 200 }));

const partBody = fc.oneof(
  picture,
  value.map((given) => utf8(typeof given === 'string' ? given : JSON.stringify(given))),
);
const disposition = fc.oneof(
  { weight: 5, arbitrary: fieldName.map((name) => `form-data; name="${name}"`) },
  fieldName.map((name) => `form-data; name="${name}"; filename="../../${name}\u0000.png"`),
  fc.constantFrom(
    'form-data',
    'attachment; name="image"',
    'form-data; name=',
    'form-data; filename="name=x"; name="seed"',
  ),
  fc.string({ maxLength: 30 }),
);
const form = fc
  .tuple(
    fc.array(fc.tuple(disposition, partBody, fc.constantFrom('\r\n\r\n', '\r\n\r\n', '\r\n\r\n', '\n\n', '\r\n')), {
      maxLength: 70,
      size: 'small',
    }),
    fc.constantFrom('b', 'b', 'b', '-', 'a b', "'()+_,-./:=?", 'x'.repeat(70), 'x'.repeat(71)),
    fc.constantFrom('--\r\n', '--\r\n', '--\r\n', '--', '', '\r\n'),
  )
  .map(([parts, boundary, end]) => ({
    boundary,
    body: new Uint8Array(
      Buffer.concat([
        ...parts.flatMap(([header, bytes, gap]) => [
          utf8(`--${boundary}\r\nContent-Disposition: ${header}${gap}`),
          bytes,
          utf8('\r\n'),
        ]),
        utf8(`--${boundary}${end}`),
      ]),
    ),
  }));

const rangeText = fc.oneof(
  fc.tuple(fc.integer(), fc.integer()).map(([first, last]) => `bytes=${first}-${last}`),
  fc.constantFrom(
    'bytes=0-',
    'bytes=-1',
    'bytes=-0',
    'bytes=0-0,1-1',
    'bytes=',
    'items=0-1',
    'bytes=9-1',
    `bytes=${'1-1,'.repeat(500)}`,
  ),
  headerText,
);
const headerPairs = fc.array(
  fc.oneof(
    fc.tuple(fc.constantFrom('range', 'if-range'), rangeText),
    fc.tuple(
      fc.constantFrom('if-match', 'if-none-match'),
      fc.oneof(headerText, fc.constantFrom('*', '""', 'W/"a"', '","')),
    ),
    fc.tuple(
      fc.constant('accept'),
      fc.oneof(headerText, fc.constantFrom('*/*', 'model/gltf-binary', 'application/json;q=0', 'model/*;q=x', 'a/b')),
    ),
    fc.tuple(
      fc.constant('prefer'),
      fc.oneof(headerText, fc.constantFrom('wait=0', 'wait=1', 'wait=-1', 'wait="1"', 'wait', 'respond-async, wait=1')),
    ),
    fc.tuple(
      fc.constant('idempotency-key'),
      fc.oneof(headerText, fc.constantFrom('same', 'x'.repeat(255), 'x'.repeat(256))),
    ),
    fc.tuple(
      fc.constantFrom('last-event-id', 'x-request-id', 'origin', 'cookie', 'referer', 'x-forwarded-for'),
      headerText,
    ),
  ),
  { maxLength: 4 },
);
const headers = headerPairs.map((pairs) => Object.fromEntries(pairs) as Record<string, string>);

const hostile = fc.constantFrom(
  '..',
  '%2e%2e%2f',
  '..%5c',
  '%00',
  '%',
  '%zz',
  '%f0%9f',
  '//',
  ';',
  '{id}',
  ':id',
  '*',
  'a'.repeat(3000),
  `mesh_${'0'.repeat(64)}`,
  `mesh_${'A'.repeat(64)}`,
  `${'0'.repeat(64)}.glb`,
  `${'0'.repeat(64)}.exe`,
);
const segment = fc.oneof(hostile, fc.string({ maxLength: 20 }).map(encodeURIComponent), fc.webSegment());
const queryText = fc.oneof(
  fc.constant(''),
  fc.webQueryParameters().map((query) => `?${query}`),
  fc
    .tuple(fc.constantFrom('limit', 'after', 'order', 'key', 'signature', 'cursor', 'range', '__proto__'), segment)
    .map(([name, text]) => `?${name}=${text}`),
);

function pathsOf({ meshId, assetFile }: Known): fc.Arbitrary<string> {
  const templates = [
    '/v1/meshes',
    '/v1/meshes/:',
    '/v1/meshes/:/content',
    '/v1/meshes/:/thumbnail',
    '/v1/meshes/:/cancel',
    '/v1/models',
    '/v1/models/:',
    '/v1/usage',
    '/v1/webhook_secret',
    '/v1/webhook_deliveries',
    '/assets/:',
    '/m/:',
    '/healthz',
    '/readyz',
    '/openapi.json',
    '/dashboard/data',
    '/metrics',
    '/admin/takedowns',
    '/admin/takedowns/:',
    '/admin/keys',
    '/admin/keys/:',
    '/admin/:/:',
    '/origin/:/:',
    '/:',
    '/:/:',
  ];
  const there = fc.constantFrom(meshId, assetFile);
  return fc
    .tuple(fc.constantFrom(...templates), fc.array(fc.oneof(there, segment), { minLength: 2, maxLength: 2 }), queryText)
    .map(
      ([template, [first = '', second = ''], query]) =>
        template.replace(':', () => first).replace(':', () => second) + query,
    )
    .map((path) => path.replaceAll(/[^\x21-\x7e]/g, encodeURIComponent));
}

/** Requests of every kind that the edge takes, most of them near enough to a good one to get past the door. */
export function fuzzRequests(known: Known): fc.Arbitrary<FuzzRequest> {
  const key = fc.constantFrom<FuzzRequest['key'][]>('user', 'user', 'user', 'user', 'admin', 'wrong', 'none');
  const posted = fc
    .oneof(
      jsonBody.map((body) => ({ body, type: 'application/json' })),
      form.map(({ body, boundary }) => ({ body, type: `multipart/form-data; boundary="${boundary}"` })),
      fc.tuple(fc.uint8Array({ maxLength: 300 }), headerText).map(([body, type]) => ({ body, type })),
    )
    .chain(({ body, type }) =>
      fc.record({ headers, key }).map((given) => ({
        method: 'POST',
        path: '/v1/meshes',
        ...given,
        headers: { ...given.headers, 'content-type': type },
        body: new Uint8Array(body),
      })),
    );
  const looked = fc.record({
    method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'PUT', 'POST'),
    path: pathsOf(known),
    headers,
    body: fc.constant(null),
    key,
  });
  const purged = fc.record({
    method: fc.constant('POST'),
    path: fc.constantFrom('/admin/purge', '/admin/index/check', '/admin/keys', '/v1/meshes/x/cancel'),
    headers: fc.constant({ 'content-type': 'application/json' }),
    body: fc.oneof(
      json.map((text) => new Uint8Array(utf8(text))),
      fc.uint8Array({ maxLength: 50 }),
    ),
    key: fc.constantFrom<FuzzRequest['key'][]>('admin', 'user'),
  });
  const signed = fc.record({
    method: fc.constantFrom('PUT', 'POST', 'GET', 'DELETE'),
    path: fc
      .tuple(
        fc.constantFrom('blobs', 'results', 'progress', 'geometry', 'reports', 'x'),
        fc.oneof(fc.constantFrom('0'.repeat(64), known.meshId.slice(5)), segment),
        queryText,
      )
      .map(([what, name, query]) => `/origin/${what}${what === 'reports' ? '' : `/${name}`}${query}`)
      .map((path) => path.replaceAll(/[^\x21-\x7e]/g, encodeURIComponent)),
    headers: fc.constantFrom({}, { 'content-type': 'application/json' }, { 'content-type': 'model/gltf-binary' }),
    body: fc.oneof(
      json.map((text) => new Uint8Array(utf8(text))),
      fc.uint8Array({ maxLength: 100 }).map((bytes) => new Uint8Array(bytes)),
    ),
    key: fc.constant<FuzzRequest['key']>('signed'),
  });
  return fc.oneof(
    { weight: 10, arbitrary: posted },
    { weight: 8, arbitrary: looked },
    { weight: 2, arbitrary: purged },
    { weight: 4, arbitrary: signed },
  ) as fc.Arbitrary<FuzzRequest>;
}
