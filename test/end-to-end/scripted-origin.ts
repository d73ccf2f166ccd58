import { createServer, type IncomingMessage } from 'node:http';
import { sha256 } from '../../contract/digest.ts';
import { Job } from '../../contract/job.ts';
import { sign, signatureHeaders } from '../../contract/signature.ts';
import { edgeUrl, localOriginId, originUrl, type LocalSettings } from '../../local/settings.ts';
import { manifestOf } from '../mesh-manifest.ts';
import { reportOf } from '../origin-report.ts';

/** An origin that makes nothing by itself: it takes jobs, and answers them as a test says. */
export type ScriptedOrigin = {
  /** The jobs it was given, in their order. */
  jobs: Job[];
  /** Whether it takes the jobs that it is given; else it says that their pictures cannot be made meshes. */
  takesJobs: boolean;
  report(): Promise<void>;
  /** Writes a mesh back for a job: its bytes, then its manifest. */
  complete(job: Job): Promise<void>;
  /** Says of a job that its picture cannot be made a mesh. */
  fail(job: Job): Promise<void>;
  close(): void;
};

const refusal = { error: { code: 'unprocessable_image', message: 'Nothing stands out from its background.' } };

/** Listens where the edge of these settings looks for its origin. */
export async function startScriptedOrigin(settings: LocalSettings): Promise<ScriptedOrigin> {
  const jobs: Job[] = [];
  const server = createServer(async (request, response) => {
    await drained(request);
    const job = request.headers[signatureHeaders.job];
    if (request.url === '/jobs' && typeof job === 'string') jobs.push(Job.parse(JSON.parse(job)));
    const status = origin.takesJobs ? 202 : 422;
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify(origin.takesJobs ? {} : refusal));
  });
  await new Promise<void>((resolve) => void server.listen(settings.originPort, '127.0.0.1', resolve));

  const put = async (method: string, path: string, body: string, mediaType = 'application/json') => {
    const call = { method, path, bodySha256: await sha256(body), bodyBytes: Buffer.byteLength(body), job: '' };
    const headers = await sign(call, { originId: localOriginId, secret: settings.originSecret });
    const answer = await fetch(edgeUrl(settings) + path, {
      method,
      headers: { ...headers, 'content-type': mediaType },
      body,
    });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  };
  const origin: ScriptedOrigin = {
    jobs,
    takesJobs: true,
    report: () => put('POST', '/origin/reports', JSON.stringify(reportOf(originUrl(settings)))),
    async complete(job) {
      const bytes = `glb of ${job.key}`;
      const owned = job.scope === 'shared' ? '' : `?key=${job.key}`;
      await put('PUT', `/origin/blobs/${await sha256(bytes)}${owned}`, bytes, 'model/gltf-binary');
      const result = { outcome: 'completed', fence: job.fence, manifest: await manifestOf(job, Buffer.from(bytes)) };
      await put('PUT', `/origin/results/${job.key}`, JSON.stringify(result));
    },
    fail: (job) => {
      const result = { outcome: 'failed', fence: job.fence, failure: refusal.error };
      return put('PUT', `/origin/results/${job.key}`, JSON.stringify(result));
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  return origin;
}

async function drained(request: IncomingMessage): Promise<void> {
  for await (const _ of request);
}
