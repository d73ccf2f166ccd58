import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { unreachableHeader } from '../../edge/outside/outside.ts';
import { isPublicAddress } from '../../contract/public-address.ts';
import { createOutside, type OutsideOptions } from '../../local/outside.ts';
import { connectorTo, startTlsServer, type TlsServer } from '../outside/tls-server.ts';

/** Two servers at one port: the first stands for the internet, the second for what is inside. */
const internet = '127.0.0.2';
const inside = '127.0.0.1';

let outer: TlsServer;
let inner: TlsServer;
const received: Record<string, string | string[] | undefined>[] = [];

beforeAll(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  outer = await startTlsServer(
    (request, response) => {
      received.push(request.headers);
      response.writeHead(request.url === '/moved' ? 302 : 200, {
        location: '/elsewhere',
        [unreachableHeader]: 'true',
        'set-cookie': 'a=b',
      });
      response.end('from the internet');
    },
    { host: internet },
  );
  inner = await startTlsServer((_, response) => response.end('from inside'), { host: inside, port: outer.port });
});
afterAll(() => {
  outer.close();
  inner.close();
});

/** The way out with one loopback address standing for the internet; names have the addresses given, one list a lookup. */
function outsideWith(...lookups: string[][]) {
  const options: OutsideOptions = {
    resolve: async () =>
      (lookups.length > 1 ? lookups.shift() : lookups[0])?.map((address) => ({ address, family: 4 })) ?? [],
    permits: (address) => address === internet || isPublicAddress(address),
    connector: connectorTo(outer.port),
  };
  return createOutside(options);
}

async function ask(outside: ReturnType<typeof createOutside>, url = 'https://pictures.example/a.png') {
  const answer = await outside(new Request(url, { headers: { cookie: 'c=d', 'user-agent': 'Meshkiln' } }));
  return answer.headers.has(unreachableHeader) ? 'unreachable' : answer.text();
}

test('a name of the internet is asked, with the headers of the edge alone, and says no more than is believed', async () => {
  const answer = await outsideWith([internet])(
    new Request('https://pictures.example/a.png', { headers: { cookie: 'c=d', 'user-agent': 'Meshkiln' } }),
  );
  expect(await answer.text()).toBe('from the internet');
  expect(received.at(-1)).toEqual({ host: 'pictures.example', connection: 'close', 'user-agent': 'Meshkiln' });
  expect([...answer.headers.keys()]).toEqual(['location']);
});

test('a redirect comes back as it is', async () => {
  const answer = await outsideWith([internet])(new Request('https://pictures.example/moved'));
  expect([answer.status, answer.headers.get('location')]).toEqual([302, '/elsewhere']);
});

test('a name that resolves inside is not connected to, nor one of which a single address is inside', async () => {
  const before = inner.connections + outer.connections;
  for (const addresses of [[inside], [internet, inside], ['10.0.0.1'], ['::1'], ['::ffff:127.0.0.2'], []]) {
    expect(await ask(outsideWith(addresses))).toBe('unreachable');
  }
  expect(inner.connections + outer.connections).toBe(before);
});

test('a name that changes after it was checked is asked where it was checked', async () => {
  const before = inner.connections;
  const outside = outsideWith([internet], [inside]);
  expect(await ask(outside)).toBe('from the internet');
  expect(await ask(outside)).toBe('unreachable');
  expect(inner.connections).toBe(before);
});

test('a host that is an address is not asked, whatever may be connected to', async () => {
  const outside = createOutside({
    resolve: async () => [],
    permits: () => true,
    connector: connectorTo(outer.port),
  });
  expect(await ask(outside, `https://${inside}/`)).toBe('unreachable');
});

test('a server whose certificate is for another name is not believed', async () => {
  expect(await ask(outsideWith([internet]), 'https://stranger.example/')).toBe('unreachable');
});
