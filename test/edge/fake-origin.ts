import { exports } from 'cloudflare:workers';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { sha256 } from '../../contract/digest.ts';
import { Job, type JobResult } from '../../contract/job.ts';
import type { MeshManifest } from '../../contract/mesh.ts';
import type { Model } from '../../contract/model.ts';
import type { Report } from '../../contract/report.ts';
import { sign, signatureHeaders, verify } from '../../contract/signature.ts';
import { manifestOf } from '../mesh-manifest.ts';
import { bisque, reportOf } from '../origin-report.ts';
import { testOrigins } from './secrets.ts';

export const edgeUrl = 'https://edge.example';

export type OriginId = (typeof testOrigins)[number]['id'];
export type SentJob = { job: Job; image: Uint8Array<ArrayBuffer>; originId: OriginId };

type Answer = { status: number; headers?: Record<string, string>; body?: unknown };

/** Both origins as peers on the network: what they were sent, and how they answer a job. */
export type Network = {
  jobs: SentJob[];
  /** Keys whose cancellation they were told, in order. */
  cancelled: string[];
  /** Answer to a job; 202 unless set. A throw is an origin that cannot be reached. */
  answer: (sent: SentJob) => Answer | Promise<Answer>;
};

/**
 * The network of each test of a file, new in each: both origins are on it, and the first has reported. After each test
 * the clock and all that was spied on are real again.
 */
export function networkOfEachTest(): Network {
  const network = quietNetwork();
  beforeEach(async () => {
    fakeNetwork(Object.assign(network, quietNetwork()));
    expect((await report()).status).toBe(200);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
  return network;
}

function quietNetwork(): Network {
  return { jobs: [], cancelled: [], answer: () => ({ status: 202 }) };
}

/** Puts both origins on the network in place of the real one; each call's signature and body are checked. */
export function fakeNetwork(network = quietNetwork()): Network {
  // Calls that a test leaves under way belong in its own lists, not in those of the next test.
  const { jobs, cancelled } = network;
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const request = new Request(input as RequestInfo, init as RequestInit);
    const url = new URL(request.url);
    const origin = testOrigins.find((candidate) => candidate.url === url.origin);
    if (!origin) throw new TypeError(`nothing listens at ${url.origin}`);
    const call = await verify(
      { method: request.method, path: url.pathname + url.search, headers: request.headers },
      (id) => (id === origin.id ? [origin.secrets[0]] : []),
    );
    const image = new Uint8Array(await request.arrayBuffer());
    if ((await sha256(image)) !== call.bodySha256) throw new Error('the body is not the one that was signed');
    const cancelledKey = /^\/jobs\/([0-9a-f]{64})\/cancel$/.exec(url.pathname)?.[1];
    if (cancelledKey !== undefined) {
      cancelled.push(cancelledKey);
      return Response.json({ cancelled: true });
    }
    if (url.pathname !== '/jobs') return new Response(null, { status: 404 });
    const sent = { job: Job.parse(JSON.parse(call.job)), image, originId: origin.id };
    jobs.push(sent);
    const { status, headers = {}, body = {} } = await network.answer(sent);
    return Response.json(body, { status, headers });
  });
  return network;
}

/** A model that uses every optional field. */
const seeded: Model = {
  ...bisque,
  id: 'seeded@2',
  digest: '2'.repeat(64),
  family: 'triplane-field',
  uses: ['seed', 'mc_resolution'],
  defaults: { mc_resolution: 128 },
};

const matte: Model = { ...bisque, id: 'matte@1', digest: '3'.repeat(64), family: 'matting' };

/** A signed call of an origin; the parts that an attacker might change can be changed. */
export async function originCall(
  method: 'GET' | 'PUT' | 'POST',
  path: string,
  options: {
    body?: Uint8Array<ArrayBuffer> | string;
    /** What is sent in the place of the body that was signed. */
    forged?: Uint8Array<ArrayBuffer> | string;
    contentType?: string;
    originId?: OriginId;
    secret?: string;
    change?: (headers: Headers) => void;
  } = {},
): Promise<Response> {
  const request = await signedRequest(method, path, options);
  return exports.default.fetch(request);
}

/** The request of `originCall`, not yet sent. */
export async function signedRequest(
  method: 'GET' | 'PUT' | 'POST',
  path: string,
  options: Parameters<typeof originCall>[2] = {},
): Promise<Request> {
  const { originId = 'one', contentType = 'application/json', change } = options;
  const body = typeof options.body === 'string' ? new TextEncoder().encode(options.body) : options.body;
  const secret = options.secret ?? testOrigins.find(({ id }) => id === originId)?.secrets[0] ?? '';
  const bytes = body ?? new Uint8Array();
  const call = { method, path, bodySha256: await sha256(bytes), bodyBytes: bytes.byteLength, job: '' };
  const headers = new Headers(await sign(call, { originId, secret }));
  if (method !== 'GET') {
    headers.set('content-type', contentType);
    headers.set('content-length', String(bytes.byteLength));
  }
  change?.(headers);
  return new Request(edgeUrl + path, { method, headers, ...(method !== 'GET' && { body: options.forged ?? bytes }) });
}

export { signatureHeaders };

/** An origin's report; two models and an empty queue unless told otherwise. */
export function report(originId: OriginId = 'one', changes: Partial<Report> = {}): Promise<Response> {
  const url = testOrigins.find(({ id }) => id === originId)?.url ?? '';
  const body = reportOf(url, { models: [bisque, seeded, matte], ...changes });
  return originCall('POST', '/origin/reports', { body: JSON.stringify(body), originId });
}

/** The bytes that an origin makes of a job; each run gives others, as on a GPU. */
export function meshBytes(job: Job): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`glb ${job.fence} of ${job.key}`);
}

export function putResult(key: string, result: JobResult, originId: OriginId = 'one'): Promise<Response> {
  return originCall('PUT', `/origin/results/${key}`, { body: JSON.stringify(result), originId });
}

export async function putMesh(job: Job, originId: OriginId = 'one'): Promise<Response> {
  const body = meshBytes(job);
  const path = `/origin/blobs/${await sha256(body)}${job.scope === 'shared' ? '' : `?key=${job.key}`}`;
  return originCall('PUT', path, { body, contentType: 'model/gltf-binary', originId });
}

/** Writes a finished mesh back as an origin does: its bytes, then its manifest. */
export async function complete({ job, originId }: SentJob, changes: Partial<MeshManifest> = {}): Promise<Response> {
  await putMesh(job, originId);
  const manifest = await manifestOf(job, meshBytes(job), changes);
  return putResult(job.key, { outcome: 'completed', fence: job.fence, manifest }, originId);
}
