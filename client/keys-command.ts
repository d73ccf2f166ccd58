// `npm run keys -- create|list|revoke|rotate`: the API keys of an edge.
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { KeyAnswer, KeyList, NewKeyAnswer } from '../contract/answers.ts';
import { adminCall } from './admin-call.ts';
import { whichEdge } from './edge-access.ts';

const usage = `Usage: npm run keys -- create <tenant> [options] | list [tenant] | revoke <id> | rotate <id> [--overlap 1d]

Options of create:
  --label <text>          what it is for
  --scope <scope>         meshes (default) or admin; may be given twice
  --private               keep its meshes from other tenants unless a request says otherwise
  --expires <time>        90d, 12h, 30m or 60s; without it the key lives until it is revoked
  --gpu-ms-per-day <n>    GPU time of its own misses
  --concurrent <n>        its own misses at once

A key is printed once, when it is made. rotate makes another in its place; both work for the overlap (1d).
${whichEdge('admin')}`;

const callSecondsMax = 30;
const pageKeys = 100;
const secondsIn: Readonly<Record<string, number>> = { d: 86_400, h: 3600, m: 60, s: 1 };

/** The part of a key that this command prints. */
const Key = KeyAnswer.pick({ id: true, status: true, tenant: true, label: true, scopes: true, expires_at: true });
const NewKey = Key.extend(NewKeyAnswer.pick({ key: true }).shape);
const KeyPage = KeyList.pick({ last_id: true, has_more: true }).extend({ data: z.array(Key) });

const options = {
  label: { type: 'string' },
  scope: { type: 'string', multiple: true },
  private: { type: 'boolean' },
  expires: { type: 'string' },
  'gpu-ms-per-day': { type: 'string' },
  concurrent: { type: 'string' },
  overlap: { type: 'string' },
} as const;

class UsageError extends Error {}

try {
  const { values, positionals } = parse();
  const [action, subject, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError();
  if (action === 'list') await list(subject);
  else if (subject === undefined) throw new UsageError();
  else if (action === 'create') tell(await ask('POST', '', termsOf(subject, values)));
  else if (action === 'rotate') tell(await ask('POST', `/${subject}/rotate`, overlapOf(values.overlap)));
  else if (action === 'revoke') await revoke(subject);
  else throw new UsageError();
} catch (error) {
  const wrongCall = error instanceof UsageError;
  const message = error instanceof Error ? error.message : String(error);
  console.error(wrongCall ? `${message}\n\n${usage}`.trimStart() : message);
  process.exitCode = wrongCall ? 2 : 1;
}

function parse() {
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause });
  }
}

type Values = ReturnType<typeof parse>['values'];

function termsOf(tenant: string, values: Values) {
  const gpuMsPerDay = values['gpu-ms-per-day'];
  return {
    tenant,
    ...(values.label !== undefined && { label: values.label }),
    ...(values.scope !== undefined && { scopes: values.scope }),
    ...(values.private === true && { default_scope: 'private' }),
    ...(values.expires !== undefined && { expires_in_seconds: secondsOf(values.expires) }),
    ...(gpuMsPerDay !== undefined && { gpu_ms_per_day: numberOf(gpuMsPerDay) }),
    ...(values.concurrent !== undefined && { concurrent_misses: numberOf(values.concurrent) }),
  };
}

function overlapOf(text: string | undefined) {
  return text === undefined ? {} : { overlap_seconds: secondsOf(text) };
}

async function list(tenant: string | undefined): Promise<void> {
  let after: string | null = null;
  do {
    const query: URLSearchParams = new URLSearchParams({ limit: String(pageKeys) });
    if (tenant !== undefined) query.set('tenant', tenant);
    if (after !== null) query.set('after', after);
    const page: z.infer<typeof KeyPage> = KeyPage.parse(await ask('GET', `?${query}`));
    for (const key of page.data) console.log(lineOf(key));
    after = page.has_more ? page.last_id : null;
  } while (after !== null);
}

async function revoke(id: string): Promise<void> {
  await ask('DELETE', `/${id}`);
  console.log(`${id} is revoked.`);
}

/** The key alone goes to standard output, so that a script can take it. */
function tell(answer: unknown): void {
  const made = NewKey.parse(answer);
  console.error(lineOf(made));
  console.log(made.key);
}

function lineOf({ id, status, tenant, scopes, expires_at: expiresAt, label }: z.infer<typeof Key>): string {
  const end = expiresAt === null ? 'no end' : `ends ${new Date(expiresAt * 1000).toISOString()}`;
  return [id, status.padEnd(7), tenant, scopes.join('+'), end, label].join('  ').trimEnd();
}

function ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
  return adminCall(method, `/admin/keys${path}`, { body, secondsMax: callSecondsMax });
}

function secondsOf(text: string): number {
  const [, count, unit = ''] = /^(\d{1,9})([dhms])$/.exec(text) ?? [];
  const seconds = secondsIn[unit];
  if (count === undefined || seconds === undefined) throw new UsageError();
  return Number(count) * seconds;
}

function numberOf(text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw new UsageError();
  return Number(text);
}
