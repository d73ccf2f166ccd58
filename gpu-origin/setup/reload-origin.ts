import { request } from 'undici';
import { z } from 'zod';
import { readErrorBody } from '../../contract/problem.ts';
import { sign } from '../../contract/signature.ts';
import { digestOf } from '../digest.ts';
import { causeText } from '../log.ts';
import { readBounded } from '../outgoing/bounded-body.ts';

/** Time for an origin to load, check and warm up all that is new. */
const reloadSecondsMax = 1800;

const answerBytesMax = 1024 * 1024;
const path = '/models/reload';

const Reloaded = z.object({
  models: z.array(z.string()),
  faults: z.array(z.object({ file: z.string(), message: z.string() })),
});

/** Makes a running origin read its models again; what it serves then, and what is wrong. Throws with why it did not. */
export async function reloadOrigin(
  url: string,
  as: { originId: string; secret: string },
): Promise<z.infer<typeof Reloaded>> {
  const bodySha256 = digestOf('');
  const headers = await sign({ method: 'POST', path, bodySha256, bodyBytes: 0, job: '' }, as);
  const { status, text } = await post(url.replace(/\/+$/, '') + path, headers);
  if (status === 200) return Reloaded.parse(JSON.parse(text));
  const hint = status === 401 ? ' Are ORIGIN_ID and ORIGIN_SECRET those that it was started with?' : '';
  throw new Error(`the origin at ${url} answers ${status}: ${messageIn(text)}${hint}`);
}

async function post(url: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  try {
    const msMax = reloadSecondsMax * 1000;
    const answer = await request(url, { method: 'POST', headers, headersTimeout: msMax, bodyTimeout: msMax });
    return { status: answer.statusCode, text: (await readBounded(answer.body, answerBytesMax)).toString() };
  } catch (error) {
    throw new Error(`no origin answers at ${url} (${causeText(error)})`, { cause: error });
  }
}

function messageIn(text: string): string {
  return readErrorBody(text)?.message ?? text.slice(0, 300);
}
