import { type StatsObjects, theStats } from '../stats/calls.ts';
import { type FleetObjects, theFleet } from '../fleet/calls.ts';
import { Hono, type Context } from 'hono';
import { Sha256 } from '../../contract/digest.ts';
import { JobProgress, JobResult, JobReturn, type BlobReceipt, type JobReturned } from '../../contract/job.ts';
import { Problem } from '../../contract/problem.ts';
import { RemovalsQuery, type Removals, type ReportAnswer } from '../../contract/removals.ts';
import { Report } from '../../contract/report.ts';
import type { VerifiedCall } from '../../contract/signature.ts';
import { isAssetMediaType } from '../store/asset.ts';
import { unlessTakenDown } from '../store/takedowns.ts';
import type { Origin } from '../fleet/origins.ts';
import type { NamedSurfaces } from '../removal/named-surfaces.ts';
import type { Surface } from '../store/surfaces.ts';
import { parse } from '../request/json.ts';
import { beginCall, readSignedJson, verifyCall } from '../fleet/signed-call.ts';
import { notLeased, takeResult, type WriteBackOptions } from '../meshes/write-back.ts';
import type { Recorder } from '../stats/recorder.ts';

/** Cloudflare takes bodies up to 100 MB; this leaves room for what it counts besides. */
const blobBytesMax = 95 * 1024 * 1024;
const jsonBytesMax = 256 * 1024;

export type OriginRoutesOptions = WriteBackOptions & {
  origins: readonly Origin[];
  fleets: FleetObjects;
  geometry: NamedSurfaces;
  recorder: Recorder;
  stats: StatsObjects;
};

/** `/origin`: what GPU origins tell the edge and keep there, each call signed. */
export function originRoutes(options: OriginRoutesOptions) {
  const verified = (c: Context, bodyBytesMax: number) => verifyCall(c.req.raw, { ...options, bodyBytesMax });
  const signedJson = (c: Context) => readSignedJson(c.req.raw, { ...options, bodyBytesMax: jsonBytesMax });
  return new Hono()
    .put('/blobs/:sha256', async (c) => c.json((await takeBlob(c, options)) satisfies BlobReceipt))
    .put('/results/:key', async (c) => {
      const { call, json } = await signedJson(c);
      const key = keyOf(c.req.param('key'));
      const result = parse(JobResult, json);
      const { originId } = call;
      const outcome = await takeResult(key, { originId, result }, options);
      options.recorder.count('writeBacks', [outcome]);
      if (outcome === 'stored' && result.outcome === 'completed') {
        options.recorder.count('spentGpuMs', [], result.manifest.gpuMs);
      }
      return c.json({ key });
    })
    .post('/progress/:key', async (c) => {
      const { call, json } = await signedJson(c);
      const key = keyOf(c.req.param('key'));
      const progress = parse(JobProgress, json);
      const became = await options.flights.getByName(key).progress(call.originId, progress);
      if (became === 'not_leased') throw notLeased(key, call.originId);
      if (became === 'gone') throw new Problem('mesh_withdrawn', 'Nobody waits for this mesh.');
      return c.json({ key });
    })
    .post('/returns/:key', async (c) => {
      const { call, json } = await signedJson(c);
      const key = keyOf(c.req.param('key'));
      const { fence } = parse(JobReturn, json);
      const { originId } = call;
      const became = await options.flights.getByName(key).giveBack({ originId, fence });
      if (became === 'not_leased') throw notLeased(key, originId);
      if (became === 'gone') throw new Problem('mesh_withdrawn', 'Nobody waits for this mesh.');
      return c.json({ taken: became === 'taken' } satisfies JobReturned);
    })
    .get('/geometry/:key', async (c) => {
      await verified(c, 0);
      const surface = await options.geometry.read(keyOf(c.req.param('key')));
      if (surface === null) throw new Problem('not_found', 'There is no surface under this key.');
      return c.body(surface.body, 200, {
        'content-type': 'application/octet-stream',
        'content-length': String(surface.bytes),
        etag: `"${surface.sha256}"`,
      });
    })
    .put('/geometry/:key', async (c) => {
      const call = await verified(c, blobBytesMax);
      return c.json(await keepSurface(keyOf(c.req.param('key')), bodyOf(c, call), options));
    })
    .get('/removals', async (c) => {
      await verified(c, 0);
      const { after } = parse(RemovalsQuery, c.req.query());
      return c.json((await theFleet(options.fleets).removals(after)) satisfies Removals);
    })
    .post('/reports', async (c) => {
      const { call, json } = await signedJson(c);
      const { originId: id } = call;
      const report = fromItsAddress(parse(Report, json), { id, ...options });
      const removedTo = await theFleet(options.fleets).report(id, report);
      c.executionCtx.waitUntil(keepReport(id, report, options.stats));
      return c.json({ id, removedTo } satisfies ReportAnswer);
    });
}

async function takeBlob(c: Context, options: OriginRoutesOptions): Promise<BlobReceipt> {
  const { call, spent } = await beginCall(c.req.raw, { ...options, bodyBytesMax: blobBytesMax });
  const sha256 = keyOf(c.req.param('sha256') ?? '');
  if (call.bodySha256 !== sha256) throw new Problem('digest_mismatch', 'The signed body is another blob.');
  const mediaType = mediaTypeOf(c);
  const asked = c.req.query('key');
  const privateTo = asked === undefined ? undefined : keyOf(asked);
  const allowed = Promise.all([spent, options.takedowns.refuse([sha256])]).then(() => undefined);
  const blob = { privateTo, mediaType, allowed, ...bodyOf(c, call) };
  // The result that names a blob which was taken down is refused in its turn, and that ends the flight.
  const { stored } = await options.blobs.put(blob).catch(unlessTakenDown({ stored: false }));
  return { sha256, stored };
}

async function keepSurface(key: string, surface: Surface, { geometry, index }: OriginRoutesOptions) {
  const receipt = await geometry.create(key, surface);
  if (receipt.stored) await index.noteSurface(key, surface.bytes);
  return receipt;
}

/** The report of an origin that is where it is configured to be, with that address; throws `invalid_parameter`. */
function fromItsAddress(report: Report, { id, origins }: { id: string; origins: readonly Origin[] }): Report {
  const url = report.url.replace(/\/+$/, '');
  if (/* defence: API10-4 */ url === origins.find((origin) => origin.id === id)?.url) return { ...report, url };
  throw new Problem('invalid_parameter', 'This is not the address that is configured here.', { param: 'url' });
}

/** The statistics miss this report when it fails; the Fleet, which jobs are given by, has it. */
async function keepReport(originId: string, report: Report, stats: StatsObjects): Promise<void> {
  try {
    await theStats(stats).report(originId, report);
  } catch (error) {
    console.error(JSON.stringify({ event: 'report_not_counted', originId, error: String(error) }));
  }
}

function bodyOf(c: Context, call: VerifiedCall) {
  return { sha256: call.bodySha256, bytes: call.bodyBytes, body: c.req.raw.body ?? new Blob([]).stream() };
}

function mediaTypeOf(c: Context): string {
  const mediaType = c.req.header('content-type') ?? '';
  if (isAssetMediaType(mediaType)) return mediaType;
  throw new Problem('unsupported_media_type', 'Content-Type must be that of a mesh format or a thumbnail.');
}

function keyOf(text: string): string {
  if (Sha256.safeParse(text).success) return text;
  throw new Problem('not_found', 'A key or digest has 64 lower-case hexadecimal digits.');
}
