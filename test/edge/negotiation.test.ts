import { describe, expect, test } from 'vitest';
import { Problem } from '../../contract/problem.ts';
import { negotiate } from '../../edge/http/accept.ts';
import { cacheStatus, hitFrom, notForwarded } from '../../edge/http/cache-status.ts';
import { parsePrefer } from '../../edge/http/prefer.ts';

const glb = 'model/gltf-binary';
const zip = 'application/zip';

describe('Accept', () => {
  test.each<{ rule: string; accept: string | undefined; mediaType?: string; answer: 'json' | 'bytes' | 'refused' }>([
    { rule: 'no Accept is JSON', accept: undefined, answer: 'json' },
    { rule: 'an empty Accept is JSON', accept: '', answer: 'json' },
    { rule: '*/* is JSON', accept: '*/*', answer: 'json' },
    { rule: 'application/json is JSON', accept: 'application/json', answer: 'json' },
    { rule: "naming the format's media type gives the bytes", accept: glb, answer: 'bytes' },
    { rule: 'media types are case-insensitive', accept: 'Model/GLTF-Binary', answer: 'bytes' },
    { rule: 'naming it before */* gives the bytes', accept: `${glb}, */*;q=0.1`, answer: 'bytes' },
    { rule: 'naming both alike gives the bytes', accept: `application/json, ${glb}`, answer: 'bytes' },
    { rule: 'the higher quality wins', accept: `${glb};q=0.5, application/json;q=0.8`, answer: 'json' },
    { rule: 'the family of the media type gives the bytes', accept: 'model/*', answer: 'bytes' },
    { rule: 'a family that holds both is JSON', accept: 'application/*', mediaType: zip, answer: 'json' },
    { rule: 'the most specific range decides', accept: `model/*, ${glb};q=0, */*;q=0.1`, answer: 'json' },
    { rule: 'refusing JSON leaves the bytes', accept: '*/*, application/json;q=0', answer: 'bytes' },
    { rule: 'naming another format is refused', accept: 'model/stl', answer: 'refused' },
    { rule: 'naming a browser page is refused', accept: 'text/html', answer: 'refused' },
    { rule: 'refusing everything is refused', accept: '*/*;q=0', answer: 'refused' },
    { rule: 'refusing the only type named is refused', accept: `${glb};q=0`, answer: 'refused' },
  ])('$rule', ({ accept, mediaType = glb, answer }) => {
    if (answer !== 'refused') return expect(negotiate(accept, mediaType)).toBe(answer);
    expect(() => negotiate(accept, mediaType)).toThrow(expect.objectContaining({ code: 'not_acceptable' }) as Problem);
  });
});

describe('Prefer', () => {
  test.each<{ rule: string; prefer: string | undefined; waitSeconds: number | null }>([
    { rule: 'no Prefer asks for no wait', prefer: undefined, waitSeconds: null },
    { rule: 'wait is read in seconds', prefer: 'wait=10', waitSeconds: 10 },
    { rule: 'a wait of 0 is a wait', prefer: 'wait=0', waitSeconds: 0 },
    { rule: 'a longer wait is cut to 60 seconds', prefer: 'wait=600', waitSeconds: 60 },
    { rule: 'a preference name is case-insensitive', prefer: 'Wait = 5', waitSeconds: 5 },
    { rule: 'a preference may be quoted', prefer: 'wait="5"', waitSeconds: 5 },
    {
      rule: 'other preferences are ignored',
      prefer: 'respond-async, handling=lenient; x="a,wait=9", wait=3',
      waitSeconds: 3,
    },
    { rule: 'parameters of a preference are ignored', prefer: 'wait=4; foo="x;y"', waitSeconds: 4 },
    { rule: 'only the first wait counts', prefer: 'wait=1, wait=2', waitSeconds: 1 },
    { rule: 'a malformed first wait is not replaced by a second', prefer: 'wait=soon, wait=2', waitSeconds: null },
    { rule: 'a negative or fractional wait is ignored', prefer: 'wait=-1', waitSeconds: null },
    { rule: 'a wait with no value is ignored', prefer: 'wait', waitSeconds: null },
    { rule: 'a malformed preference does not spoil the others', prefer: '=, "x", wait=3', waitSeconds: 3 },
    { rule: 'an overlong Prefer is ignored', prefer: `wait=3, ${'"\\'.repeat(50_000)}`, waitSeconds: null },
  ])('$rule', ({ prefer, waitSeconds }) => {
    expect(parsePrefer(prefer)).toEqual({ waitSeconds });
  });
});

describe('Cache-Status', () => {
  const forwarded = { tier: null, age_s: 0, saved_gpu_ms: 0, reused: null } as const;

  test('Cache-Status of a hit names its tier', () => {
    const hit = { status: 'hit', tier: 'memory', age_s: 3, saved_gpu_ms: 9, reused: null } as const;
    expect(cacheStatus(hit)).toBe('meshkiln; hit; detail=memory');
    expect(hitFrom('colo')).toBe('meshkiln; hit; detail=colo');
  });

  test('Cache-Status of a miss is forwarded, and stored once it is done', () => {
    expect(cacheStatus({ status: 'miss', ...forwarded })).toBe('meshkiln; fwd=miss; stored');
    expect(cacheStatus({ status: 'miss', ...forwarded }, { stored: false })).toBe('meshkiln; fwd=miss');
    expect(cacheStatus({ status: 'miss', ...forwarded, reused: 'geometry' })).toBe(
      'meshkiln; fwd=miss; stored; detail=geometry',
    );
  });

  test('Cache-Status of a joined flight is collapsed', () => {
    expect(cacheStatus({ status: 'joined', ...forwarded })).toBe('meshkiln; fwd=miss; collapsed');
  });

  test('Cache-Status of a remembered failure is a hit', () => {
    expect(hitFrom('failure')).toBe('meshkiln; hit; detail=failure');
  });

  test('Cache-Status of only_if_cached says that nothing was forwarded', () => {
    expect(notForwarded).toBe('meshkiln; detail=not_cached');
  });
});
