import { z } from 'zod';
import { mediaTypes } from '../../contract/formats.ts';
import type { ZodOpenApiPathsObject, ZodOpenApiRequestBodyObject } from 'zod-openapi';
import { Sha256 } from '../../contract/digest.ts';
import { BlobReceipt, JobProgress, JobResult, JobReturn, JobReturned } from '../../contract/job.ts';
import { Removals, RemovalsQuery, ReportAnswer } from '../../contract/removals.ts';
import { Report } from '../../contract/report.ts';
import { binary } from './download-answers.ts';
import { operation } from './operation.ts';

const KeyAnswer = z.object({ key: Sha256 });
const byKey = { path: z.object({ key: Sha256 }) };
const surface = binary(['application/octet-stream']);
const json = (schema: z.ZodType): ZodOpenApiRequestBodyObject => ({ content: { 'application/json': { schema } } });
const answer = (description: string, schema: z.ZodType) => ({
  200: { description, content: { 'application/json': { schema } } },
});

/** `/origin`: the calls of GPU origins. */
export const originPaths: ZodOpenApiPathsObject = {
  '/origin/blobs/{sha256}': {
    put: operation({
      id: 'putBlob',
      tag: 'Origins',
      summary: 'Store the bytes of a mesh or a thumbnail',
      access: 'origin',
      params: {
        path: z.object({ sha256: Sha256 }),
        query: z.object({ key: Sha256.optional().describe('Request key of the private mesh that they are of.') }),
      },
      body: { content: binary(Object.values(mediaTypes)) },
      answers: answer('They are stored; a repeat changes nothing.', BlobReceipt),
      problems: ['not_found', 'digest_mismatch', 'unsupported_media_type'],
    }),
  },
  '/origin/results/{key}': {
    put: operation({
      id: 'putResult',
      tag: 'Origins',
      summary: 'Tell how a job has ended',
      access: 'origin',
      params: byKey,
      body: json(JobResult),
      answers: answer('It is stored.', KeyAnswer),
      problems: [
        'invalid_parameter',
        'unknown_parameter',
        'not_found',
        'not_leased',
        'mesh_withdrawn',
        'taken_down',
        'precondition_failed',
        'digest_mismatch',
      ],
    }),
  },
  '/origin/progress/{key}': {
    post: operation({
      id: 'postProgress',
      tag: 'Origins',
      summary: 'Tell how far a job is',
      access: 'origin',
      params: byKey,
      body: json(JobProgress),
      answers: answer('Somebody still waits.', KeyAnswer),
      problems: [
        'invalid_parameter',
        'unknown_parameter',
        'not_found',
        'not_leased',
        'mesh_withdrawn',
        'digest_mismatch',
      ],
    }),
  },
  '/origin/returns/{key}': {
    post: operation({
      id: 'postReturn',
      tag: 'Origins',
      summary: 'Offer a job back before going down',
      access: 'origin',
      params: byKey,
      body: json(JobReturn),
      answers: answer('Whether another origin gets it.', JobReturned),
      problems: [
        'invalid_parameter',
        'unknown_parameter',
        'not_found',
        'not_leased',
        'mesh_withdrawn',
        'digest_mismatch',
      ],
    }),
  },
  '/origin/geometry/{key}': {
    get: operation({
      id: 'getGeometry',
      tag: 'Origins',
      summary: 'Read the surface of an earlier mesh',
      access: 'origin',
      params: byKey,
      answers: { 200: { description: 'The surface.', headers: ['etag', 'content-length'], content: surface } },
      problems: ['not_found'],
    }),
    put: operation({
      id: 'putGeometry',
      tag: 'Origins',
      summary: 'Keep a surface for later meshes',
      access: 'origin',
      params: byKey,
      body: { content: surface },
      answers: answer('Whether it was new.', z.object({ stored: z.boolean() })),
      problems: ['not_found', 'digest_mismatch'],
    }),
  },
  '/origin/removals': {
    get: operation({
      id: 'getRemovals',
      tag: 'Origins',
      summary: 'Read which surfaces were removed, to forget them too',
      access: 'origin',
      params: { query: RemovalsQuery },
      answers: answer('What was removed since then, the first of it where it is much.', Removals),
      problems: ['invalid_parameter'],
    }),
  },
  '/origin/reports': {
    post: operation({
      id: 'postReport',
      tag: 'Origins',
      summary: 'Report models, queue and devices',
      access: 'origin',
      body: json(Report),
      answers: answer('It is noted.', ReportAnswer),
      problems: ['invalid_parameter', 'unknown_parameter', 'digest_mismatch'],
    }),
  },
};
