import { timingSafeEqual } from 'node:crypto';
import { Hono, type Context } from 'hono';
import type { Registry } from 'prom-client';
import { z } from 'zod';
import { Sha256 } from '../../contract/digest.ts';
import { Job } from '../../contract/job.ts';
import { Problem } from '../../contract/problem.ts';
import { imageLimits } from '../../contract/request.ts';
import { digestBytesOf } from '../digest.ts';
import type { Intake } from '../jobs/intake.ts';
import { causeText, log } from '../log.ts';
import type { ModelFault } from '../models/repository.ts';
import { withTrace } from '../trace.ts';
import type { Nonces } from './nonces.ts';
import { provenBody, verifyRequest } from './signed-call.ts';

type AppOptions = {
  id: string;
  secrets: readonly string[];
  nonces: Nonces;
  intake: Intake;
  registry: Registry;
  /** Null leaves the metrics open, which only a loopback address may. */
  metricsToken: string | null;
  metricsOpen: boolean;
  /** Why this origin should get no jobs at present; empty when it should. */
  unreadiness: () => string[];
  /** Reads the model repository again; gives what is served then and what is wrong. */
  reloadModels: () => Promise<{ models: string[]; faults: ModelFault[] }>;
};

const Fence = z.coerce.number().int().positive();

/** The origin's HTTP surface: signed calls of the edge, probes and metrics. */
export function createApp(options: AppOptions): Hono {
  const app = new Hono();
  const verified = (c: Context) => verifyRequest(c.req.raw, options);

  app.post('/jobs', async (c) => {
    const call = await verified(c);
    // defence: API4-14
    if (call.bodyBytes > imageLimits.fileBytesMax) {
      throw new Problem('body_too_large', `An image has at most ${imageLimits.fileBytesMax} bytes.`);
    }
    const job = parseJob(call.job);
    if (job.imageSha256 !== call.bodySha256 || job.imageBytes !== call.bodyBytes) {
      throw new Problem('digest_mismatch', 'The signed body is not the image that the job names.');
    }
    const accepted = await withTrace(job.trace, () => options.intake.accept(job, provenBody(c.req.raw, call)));
    return c.json(accepted, 202);
  });

  app.post('/jobs/:key/cancel', async (c) => {
    await verified(c);
    const key = Sha256.safeParse(c.req.param('key'));
    if (!key.success) throw new Problem('mesh_not_found', 'A job is named by its key.');
    const fence = Fence.safeParse(c.req.query('fence'));
    if (!fence.success) throw new Problem('invalid_parameter', 'A job is cancelled up to a fence.', { param: 'fence' });
    return c.json({ cancelled: await options.intake.cancel(key.data, fence.data) });
  });

  app.post('/models/reload', async (c) => {
    await verified(c);
    return c.json(await options.reloadModels());
  });

  app.get('/livez', (c) => c.json({ status: 'ok' }));

  app.get('/readyz', (c) => {
    const reasons = options.unreadiness();
    return c.json({ status: reasons.length === 0 ? 'ok' : 'unavailable', reasons }, reasons.length === 0 ? 200 : 503);
  });

  app.get('/metrics', async (c) => {
    if (!mayReadMetrics(c.req.header('authorization'), options)) {
      throw new Problem('invalid_api_key', 'The metrics need the bearer token of METRICS_TOKEN.');
    }
    const { registry } = options;
    return c.text(await registry.metrics(), 200, { 'content-type': registry.contentType });
  });

  app.notFound((c) => answerProblem(c, new Problem('not_found', `There is no ${c.req.method} ${c.req.path} here.`)));
  app.onError((error, c) => answerProblem(c, error));
  return app;
}

function parseJob(text: string): Job {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Problem('invalid_request', 'The job header is not JSON.', { cause: error });
  }
  const parsed = Job.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const param = issue?.path.join('.') ?? '';
  throw new Problem('invalid_request', `The job's ${param} is not right: ${issue?.message}.`, { param });
}

function mayReadMetrics(authorization: string | undefined, options: AppOptions): boolean {
  if (options.metricsToken === null) return options.metricsOpen;
  return timingSafeEqual(digestBytesOf(authorization ?? ''), digestBytesOf(`Bearer ${options.metricsToken}`));
}

/** The one place that maps errors to HTTP. */
function answerProblem(c: Context, error: Error): Response {
  const problem =
    error instanceof Problem ? error : new Problem('internal_error', 'The origin failed.', { cause: error });
  if (problem.status >= 500) log('call failed', { path: c.req.path, code: problem.code, cause: causeText(problem) });
  const headers = new Headers({ 'content-type': 'application/json' });
  if (problem.retryAfterSeconds !== null) headers.set('retry-after', String(problem.retryAfterSeconds));
  return new Response(JSON.stringify(problem.body()), { status: problem.status, headers });
}
