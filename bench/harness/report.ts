import { createHash } from 'node:crypto';
import type { Model } from '../../contract/model.ts';
import { sign } from '../../contract/signature.ts';
import { reportOf } from '../../test/origin-report.ts';

/** The origin that the benches' edge is told of: nothing listens there, since a hit must not need it. */
export const benchOrigin = { id: 'bench', url: 'http://127.0.0.1:1', secret: 'a secret of the benches alone' };

/** Tells an edge of one model, signed as the report of an origin. */
export async function reportModel(edgeUrl: string, model: Model): Promise<void> {
  const body = Buffer.from(JSON.stringify(reportOf(benchOrigin.url, { models: [model] })));
  const path = '/origin/reports';
  const bodySha256 = createHash('sha256').update(body).digest('hex');
  const call = { method: 'POST', path, bodySha256, bodyBytes: body.length, job: '' };
  const { id: originId, secret } = benchOrigin;
  const headers = { ...(await sign(call, { originId, secret })), 'content-type': 'application/json' };
  const answer = await fetch(edgeUrl + path, { method: 'POST', headers, body });
  if (!answer.ok) throw new Error(`the report was answered ${answer.status}: ${await answer.text()}`);
}
