import { beforeAll, describe, expect, test } from 'vitest';
import { sha256 } from '../../contract/digest.ts';
import { ask, digestOf, someBytes, storeAsset, type StoredAsset } from './stored-asset.ts';

type Asked = { rule: string; range: string; answer: { status: 200 | 206 | 416; first?: number; last?: number } };

const whole: Asked['answer'] = { status: 200 };
const unsatisfiable: Asked['answer'] = { status: 416 };

function part(first: number, last: number): Asked['answer'] {
  return { status: 206, first, last };
}

/** What each Range header gives of `size` bytes. */
function asked(size: number): Asked[] {
  const last = size - 1;
  return [
    { rule: 'a range gives its bytes, both ends included', range: 'bytes=10-19', answer: part(10, 19) },
    { rule: 'a range of one byte gives one byte', range: 'bytes=0-0', answer: part(0, 0) },
    { rule: 'an open-ended range goes to the last byte', range: `bytes=${size - 5}-`, answer: part(size - 5, last) },
    { rule: 'a suffix range gives the last bytes', range: 'bytes=-7', answer: part(size - 7, last) },
    { rule: 'a suffix longer than the asset gives all of it', range: `bytes=-${size + 1}`, answer: part(0, last) },
    { rule: 'an end past the last byte is cut', range: `bytes=5-${size * 2}`, answer: part(5, last) },
    { rule: 'a number beyond all precision is only large', range: `bytes=5-${'9'.repeat(400)}`, answer: part(5, last) },
    { rule: 'the unit is case-insensitive', range: 'Bytes=1-2', answer: part(1, 2) },
    { rule: 'empty list elements are ignored', range: 'bytes= , 1-2 ,,', answer: part(1, 2) },
    { rule: 'a range past the end is unsatisfiable', range: `bytes=${size}-`, answer: unsatisfiable },
    { rule: 'a suffix of no bytes is unsatisfiable', range: 'bytes=-0', answer: unsatisfiable },
    { rule: 'several ranges are answered with the whole', range: 'bytes=0-1,4-5', answer: whole },
    { rule: 'an end before its start is malformed and ignored', range: 'bytes=5-2', answer: whole },
    { rule: 'another unit is ignored', range: 'lines=1-2', answer: whole },
    { rule: 'a range with no unit is ignored', range: '1-2', answer: whole },
    { rule: 'a range with no numbers is ignored', range: 'bytes=-', answer: whole },
    { rule: 'an empty set is ignored', range: 'bytes=', answer: whole },
    { rule: 'a negative or fractional position is ignored', range: 'bytes=1.5-2', answer: whole },
    { rule: 'one malformed element spoils the set', range: 'bytes=0-1,x', answer: whole },
  ];
}

/** Held in memory after the first read; streamed from the location's cache; streamed from R2 by range. */
const sizes = { held: 1000, streamed: 1_500_000 };

describe.each(['held', 'streamed'] as const)('of an asset that is %s', (kind) => {
  const size = sizes[kind];
  let asset: StoredAsset;

  beforeAll(async () => {
    asset = await storeAsset(someBytes(size));
  });

  test.each(asked(size))('$rule', async ({ range, answer }) => {
    const response = await ask(asset.url, { headers: { range } });
    expect(response.status).toBe(answer.status);
    expect(response.headers.get('etag')).toBe(`"${asset.sha256}"`);
    if (answer.status === 416) {
      expect(response.headers.get('content-range')).toBe(`bytes */${size}`);
      expect(await response.json()).toMatchObject({ error: { code: 'range_not_satisfiable' } });
      return;
    }
    const { first = 0, last = size - 1 } = answer;
    expect(response.headers.get('content-range')).toBe(answer.status === 206 ? `bytes ${first}-${last}/${size}` : null);
    expect(response.headers.get('content-length')).toBe(String(last - first + 1));
    expect(await digestOf(response)).toBe(await sha256(asset.bytes.slice(first, last + 1)));
  });

  test('a partial answer carries the digest of the whole', async () => {
    const [full, partial] = [await ask(asset.url), await ask(asset.url, { headers: { range: 'bytes=0-9' } })];
    expect(partial.status).toBe(206);
    expect(partial.headers.get('repr-digest')).toBe(full.headers.get('repr-digest'));
    await Promise.all([full.arrayBuffer(), partial.arrayBuffer()]);
  });

  test('HEAD ignores Range', async () => {
    const response = await ask(asset.url, { method: 'HEAD', headers: { range: 'bytes=0-9' } });
    expect([response.status, response.headers.get('content-length')]).toEqual([200, String(size)]);
  });
});
