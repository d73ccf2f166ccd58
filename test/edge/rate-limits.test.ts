import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { createApp } from '../../edge/app.ts';
import { rateLimits, type RateLimiters } from '../../edge/access/rate-limits.ts';
import { errorOf } from './client.ts';
import { edgeUrl } from './fake-origin.ts';
import { testKeys } from './secrets.ts';

const requestsMax = 4;

/** Miniflare's own limiters, which count to less: real limits would take hundreds of requests to reach. */
function limitersOf(name: keyof RateLimiters): RateLimiters {
  const limited = {
    limit: ({ key }: RateLimitOptions) => env[name].limit(Object.assign({ key }, { limit: requestsMax })),
  };
  const open = { limit: async () => ({ success: true }) };
  return { KEY_REQUESTS: open, ADDRESS_REQUESTS: open, ANONYMOUS_REQUESTS: open, KEY_LOOKUPS: open, [name]: limited };
}

type Asked = { limiter: keyof RateLimiters; headers: (n: number) => Record<string, string>; url?: string };

async function ask({ limiter, headers, url = edgeUrl }: Asked, n: number): Promise<Response> {
  const context = createExecutionContext();
  const app = createApp({ ...env, ...limitersOf(limiter), ANONYMOUS_TIER: 'on' });
  const answer = await app.fetch(new Request(`${url}/v1/models`, { headers: headers(n) }), env, context);
  await waitOnExecutionContext(context);
  return answer;
}

/** The answers to two requests more than the limit, all in one of the limiter's windows, which begin on the clock. */
async function overLimit(asked: Asked): Promise<Response[]> {
  const windowMs = rateLimits[asked.limiter].windowSeconds * 1000;
  for (;;) {
    const endsAtMs = Math.ceil(Date.now() / windowMs) * windowMs;
    const answers: Response[] = [];
    for (let n = 0; n < requestsMax + 2; n++) answers.push(await ask(asked, n));
    if (Date.now() < endsAtMs) return answers;
    await scheduler.wait(endsAtMs + windowMs - Date.now());
  }
}

test('the limits that clients are told are those of wrangler.toml', async () => {
  const { default: wrangler } = await import('../../wrangler.toml?raw');
  for (const [name, { requests, windowSeconds }] of Object.entries(rateLimits)) {
    const bound = new RegExp(`name = "${name}"\\n.*\\nsimple = \\{ limit = ${requests}, period = ${windowSeconds} \\}`);
    expect(wrangler).toMatch(bound);
  }
});

const limited: [string, Asked, number, string][] = [
  [
    'a key, from all addresses together',
    {
      limiter: 'KEY_REQUESTS',
      url: 'http://127.0.0.1',
      headers: (n) => ({ authorization: `Bearer ${testKeys.counted}`, 'cf-connecting-ip': `198.51.100.${n}` }),
    },
    200,
    '"key";q=300;w=10',
  ],
  [
    'an address that guesses keys, with its whole IPv6 network',
    {
      limiter: 'ADDRESS_REQUESTS',
      headers: (n) => ({ authorization: `Bearer mk_guess_${n}`, 'cf-connecting-ip': `2001:db8:0:1::${n}` }),
    },
    401,
    '"address";q=600;w=10',
  ],
  [
    'an address that asks for keys that may be in the store',
    {
      limiter: 'KEY_LOOKUPS',
      headers: (n) => ({ authorization: `Bearer mk_${String(n).repeat(64)}`, 'cf-connecting-ip': '203.0.113.9' }),
    },
    401,
    '"key-lookups";q=100;w=60',
  ],
  [
    'an address without a key',
    { limiter: 'ANONYMOUS_REQUESTS', headers: () => ({ 'cf-connecting-ip': '::ffff:192.0.2.1' }) },
    200,
    '"anonymous";q=60;w=10',
  ],
];

test.each(limited)('%s is stopped at its limit and told when to come back', async (_who, asked, status, policy) => {
  const answers = await overLimit(asked);
  const expected = Array.from({ length: requestsMax + 2 }, (_, n) => (n < requestsMax ? status : 429));
  expect(answers.map((answer) => answer.status)).toEqual(expected);
  const seconds = /w=(\d+)/.exec(policy)?.[1];
  const refused = answers[requestsMax] ?? new Response();
  expect([refused.headers.get('retry-after'), refused.headers.get('ratelimit-policy')]).toEqual([seconds, policy]);
  expect(await errorOf(refused)).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
});

test('other addresses go on, and keys that are unlimited are not counted', async () => {
  const limiter = 'ADDRESS_REQUESTS';
  const elsewhere = {
    limiter,
    headers: (n: number) => ({ 'cf-connecting-ip': `2001:db8:1:${n}::1`, authorization: 'x' }),
  } as const;
  expect((await overLimit(elsewhere)).map(({ status }) => status)).toEqual(Array(requestsMax + 2).fill(401));
  const operator = { limiter, headers: () => ({ authorization: `Bearer ${testKeys.acme}` }) } as const;
  expect((await overLimit(operator)).map(({ status }) => status)).toEqual(Array(requestsMax + 2).fill(200));
});
