import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { digestOf } from '../../../gpu-origin/digest.ts';
import { JobProgress, JobResult, JobReturn } from '../../../contract/job.ts';
import { RemovalsQuery, type Removals, type ReportAnswer } from '../../../contract/removals.ts';
import { Report } from '../../../contract/report.ts';
import { verify } from '../../../contract/signature.ts';

/** One call that the origin made and whose signature and body held. */
export type PeerCall = { method: string; path: string; bytes: Uint8Array; mediaType: string; headers: Headers };

/** The origin's peer on the network: checks and keeps what is written back; `answer` can stand in for its answers. */
export async function startEdgePeer(known: { originId: string; secret: string }) {
  const calls: PeerCall[] = [];
  const blobs = new Map<string, Uint8Array>();
  const results = new Map<string, JobResult[]>();
  const progress: JobProgress[] = [];
  const reports: Report[] = [];
  const geometry = new Map<string, Uint8Array>();
  const peer = {
    url: '',
    calls,
    blobs,
    results,
    progress,
    reports,
    geometry,
    /** Whether another origin could take what is handed back. */
    takesReturns: false,
    /** False for an edge that has forgotten every surface, so that each job reaches its model. */
    keepsGeometry: true,
    /** How far its list of removed surfaces goes, and what is on it after a place. */
    removedTo: 0,
    removals: (_after: number): Removals => ({ to: 0, all: false, surfaces: [] }),
    /** A status to answer with instead of taking the call; null takes it. */
    answer: (_call: PeerCall): number | null => null,
    /** What an answer waits for. */
    hold: (_call: PeerCall): Promise<void> => Promise.resolve(),
    result: (key: string) => results.get(key)?.at(-1) ?? null,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => void server.close(resolve));
    },
  };

  const take = (call: PeerCall): { status: number; body?: Uint8Array } => {
    const [, kind, name = ''] = /^\/origin\/(\w+)\/?(\w*)/.exec(call.path) ?? [];
    const json = () => JSON.parse(new TextDecoder().decode(call.bytes)) as unknown;
    if (kind === 'blobs') {
      if (digestOf(call.bytes) !== name) return { status: 422 };
      blobs.set(name, call.bytes);
    } else if (kind === 'results') {
      const result = JobResult.parse(json());
      if (result.outcome === 'completed' && result.thumbnail !== undefined) {
        const bytes = Buffer.from(result.thumbnail, 'base64');
        if (digestOf(bytes) !== result.manifest.thumbnail?.sha256) return { status: 422 };
        blobs.set(digestOf(bytes), bytes);
      }
      results.set(name, [...(results.get(name) ?? []), result]);
    } else if (kind === 'progress') progress.push(JobProgress.parse(json()));
    else if (kind === 'reports') {
      reports.push(Report.parse(json()));
      const answer: ReportAnswer = { id: known.originId, removedTo: peer.removedTo };
      return { status: 200, body: Buffer.from(JSON.stringify(answer)) };
    } else if (kind === 'removals') {
      const { after } = RemovalsQuery.parse(Object.fromEntries(new URL(call.path, peer.url).searchParams));
      return { status: 200, body: Buffer.from(JSON.stringify(peer.removals(after))) };
    } else if (kind === 'returns') {
      JobReturn.parse(json());
      return { status: 200, body: Buffer.from(JSON.stringify({ taken: peer.takesReturns })) };
    } else if (kind === 'geometry' && call.method === 'PUT') {
      if (peer.keepsGeometry) geometry.set(name, call.bytes);
    } else if (kind === 'geometry') {
      const body = geometry.get(name);
      return body === undefined ? { status: 404 } : { status: 200, body };
    } else return { status: 404 };
    return { status: 200 };
  };

  const answerCall = async (request: IncomingMessage, response: ServerResponse) => {
    try {
      const call = await readCall(request, known);
      calls.push(call);
      await peer.hold(call);
      const status = peer.answer(call);
      const taken: { status: number; body?: Uint8Array } = status === null ? take(call) : { status };
      response.writeHead(taken.status).end(taken.body ?? '{}');
    } catch (error) {
      response.writeHead(401).end(String(error));
    }
  };
  const server = createServer((request, response) => {
    void answerCall(request, response);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  peer.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return peer;
}

export type EdgePeer = Awaited<ReturnType<typeof startEdgePeer>>;

async function readCall(request: IncomingMessage, known: { originId: string; secret: string }): Promise<PeerCall> {
  const { method = '', url: path = '' } = request;
  const headers = new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const signed = await verify({ method, path, headers }, (id) => (id === known.originId ? [known.secret] : []));
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  if (bytes.length !== signed.bodyBytes || digestOf(bytes) !== signed.bodySha256) {
    throw new Error('the body is not the signed one');
  }
  return { method, path, bytes, mediaType: headers.get('content-type') ?? '', headers };
}
