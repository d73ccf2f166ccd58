import { z } from 'zod';
import type { ZodOpenApiContentObject, ZodOpenApiPathsObject } from 'zod-openapi';
import type { ProblemCode } from '../../contract/problem.ts';
import { MeshObject } from '../../contract/mesh.ts';
import { outputFormats, thumbnailMediaTypes } from '../../contract/formats.ts';
import { ListQuery } from '../request/list-query.ts';
import { MeshDeleted, MeshId, MeshList } from '../../contract/answers.ts';
import { binary, downloadHeaders, downloadProblems } from './download-answers.ts';
import { exampleMesh, exampleMeshId, exampleQueuedMesh } from './examples.ts';
import { meshRequestBody } from './mesh-request-body.ts';
import { operation } from './operation.ts';
import type { Sample } from './samples.ts';

const path = `/v1/meshes/${exampleMeshId}`;
const mesh: ZodOpenApiContentObject = { 'application/json': { schema: MeshObject, example: exampleMesh } };
const queued: ZodOpenApiContentObject = { 'application/json': { schema: MeshObject, example: exampleQueuedMesh } };
const meshFormats = Object.values(outputFormats).map(({ mediaType }) => mediaType);
const params = { path: z.object({ id: MeshId }) };

const postProblems: readonly ProblemCode[] = [
  'invalid_request',
  'unknown_parameter',
  'invalid_parameter',
  'unsupported_parameter',
  'missing_image',
  'invalid_image',
  'invalid_image_url',
  'image_fetch_failed',
  'image_too_many_pixels',
  'model_not_found',
  'not_acceptable',
  'idempotency_key_reused',
  'image_required',
  'taken_down',
  'body_too_large',
  'unsupported_media_type',
  'unprocessable_image',
  'prompt_refused',
  'insufficient_quota',
  'no_origin',
  'not_cached',
];

/** On a miss that is charged to a budget. */
const budgetHeaders = [
  'ratelimit-policy?',
  'ratelimit?',
  'x-ratelimit-limit-gpu-ms?',
  'x-ratelimit-remaining-gpu-ms?',
  'x-ratelimit-reset-gpu-ms?',
] as const;

const PostHeaders = z.object({
  prefer: z
    .string()
    .optional()
    .describe('`wait=N` (RFC 7240) holds the answer for up to N seconds, at most 60, until the mesh is done.'),
  accept: z
    .string()
    .optional()
    .describe(
      'The media type of the format asked for (`model/gltf-binary`, …) gives the bytes themselves, as if with `Prefer: wait=60`; `*/*` is JSON.',
    ),
  'idempotency-key': z
    .string()
    .optional()
    .describe('1–255 visible ASCII characters, kept for 24 hours: the same request gives the same mesh.'),
});

const makeSamples: readonly Sample[] = [
  {
    method: 'POST',
    path: '/v1/meshes',
    key: 'user',
    headers: { Prefer: 'wait=30' },
    body: { form: { image: '@picture.png', texture_resolution: '2048' } },
    command: 'npm run mesh -- picture.png -o mesh.glb --texture-resolution 2048',
  },
  {
    method: 'POST',
    path: '/v1/meshes',
    key: 'user',
    headers: { Accept: outputFormats.stl.mediaType },
    body: { form: { image: '@picture.png', output_format: 'stl' } },
    answer: { file: 'mesh.stl' },
    command: 'npm run mesh -- picture.png -o mesh.stl',
  },
];

const get = (rest: string, answer?: Sample['answer']): Sample[] => [
  { method: 'GET', path: `${path}${rest}`, key: 'user', ...(answer && { answer }) },
];

/** `/v1/meshes` and what is below it. */
export const meshPaths: ZodOpenApiPathsObject = {
  '/v1/meshes': {
    post: operation({
      id: 'createMesh',
      tag: 'Meshes',
      summary: 'Make a mesh',
      description:
        'Answers at once with a mesh that is known, and starts making one that is not. A mesh is known by its picture ' +
        'and by the fields that change its bytes. Closing the connection does not cancel it.',
      access: 'meshes',
      params: { header: PostHeaders },
      body: meshRequestBody,
      answers: {
        200: {
          description: 'The mesh, which was known or was done within the wait, or has failed; or its bytes.',
          headers: ['cache-status', 'cache-control', 'preference-applied?', 'content-location?', ...budgetHeaders],
          content: { ...mesh, ...binary(meshFormats) },
        },
        202: {
          description: 'The mesh is being made.',
          headers: [
            'location',
            'retry-after',
            'cache-status',
            'cache-control',
            'preference-applied?',
            ...budgetHeaders,
          ],
          content: queued,
        },
      },
      problems: postProblems,
      samples: makeSamples,
    }),
    get: operation({
      id: 'listMeshes',
      tag: 'Meshes',
      summary: 'List your meshes',
      description: 'In the order in which you first asked for them. The last 100,000 are listed.',
      access: 'meshes',
      params: { query: ListQuery },
      answers: {
        200: {
          description: 'A page of the list.',
          headers: ['cache-control'],
          content: { 'application/json': { schema: MeshList } },
        },
      },
      problems: ['invalid_parameter', 'unknown_parameter'],
      samples: [{ method: 'GET', path: '/v1/meshes?limit=2&order=desc', key: 'user' }],
    }),
  },
  '/v1/meshes/{id}': {
    get: operation({
      id: 'getMesh',
      tag: 'Meshes',
      summary: 'Look at a mesh',
      access: 'meshes',
      params,
      answers: {
        200: {
          description: 'The mesh as it stands, a failed one too.',
          headers: ['cache-status', 'cache-control', 'retry-after?'],
          content: mesh,
        },
      },
      problems: ['mesh_not_found'],
      samples: get(''),
    }),
    delete: operation({
      id: 'deleteMesh',
      tag: 'Meshes',
      summary: 'Delete a mesh',
      description: 'Takes it off your list; a private one with its bytes. A shared one stays for the others.',
      access: 'meshes',
      params,
      answers: { 200: { description: 'It is deleted.', content: { 'application/json': { schema: MeshDeleted } } } },
      problems: ['mesh_not_found'],
      samples: [{ method: 'DELETE', path, key: 'user' }],
    }),
  },
  '/v1/meshes/{id}/content': {
    get: operation({
      id: 'getMeshContent',
      tag: 'Meshes',
      summary: 'Download a mesh',
      description: 'Its bytes, with the rules of an asset: ranges, validators, digests.',
      access: 'meshes',
      params,
      answers: {
        200: { description: 'The bytes.', headers: downloadHeaders, content: binary(meshFormats) },
        206: {
          description: 'The part that `Range` asked for.',
          headers: [...downloadHeaders, 'content-range'],
          content: binary(meshFormats),
        },
        304: { description: 'You have these very bytes.', headers: ['etag', 'cache-control', 'cache-status'] },
      },
      problems: ['mesh_not_found', 'mesh_not_ready', ...downloadProblems],
      samples: get('/content', { file: 'mesh.glb' }),
    }),
  },
  '/v1/meshes/{id}/thumbnail': {
    get: operation({
      id: 'getMeshThumbnail',
      tag: 'Meshes',
      summary: 'See a preview',
      access: 'meshes',
      params,
      answers: {
        200: {
          description: 'A shaded picture of the mesh.',
          headers: downloadHeaders,
          content: binary(thumbnailMediaTypes),
        },
        206: {
          description: 'The part that `Range` asked for.',
          headers: [...downloadHeaders, 'content-range'],
          content: binary(thumbnailMediaTypes),
        },
        304: { description: 'You have this very picture.', headers: ['etag', 'cache-control', 'cache-status'] },
      },
      problems: ['mesh_not_found', 'mesh_not_ready', ...downloadProblems],
      samples: get('/thumbnail', { file: 'mesh.webp' }),
    }),
  },
  '/v1/meshes/{id}/events': {
    get: operation({
      id: 'streamMesh',
      tag: 'Meshes',
      summary: 'Follow a mesh',
      description:
        'Server-sent events: the present state first, then each change; the stream ends after the last. A comment every ' +
        '15 seconds keeps it alive, and after 15 minutes it ends to be taken up again.',
      access: 'meshes',
      params: {
        ...params,
        header: z.object({
          'last-event-id': z.string().optional().describe('`id` of the last event that you saw: it is left out.'),
        }),
      },
      answers: {
        200: {
          description: '`event: mesh`, `id:` the revision, `data:` the mesh object.',
          headers: ['cache-control'],
          content: {
            'text/event-stream': {
              schema: { type: 'string' },
              example: `event: mesh\ndata: ${JSON.stringify(exampleMesh)}\nid: ${exampleMesh.asset?.sha256}\n\n`,
            },
          },
        },
        204: { description: 'You have seen the last event; an EventSource stops here.' },
      },
      problems: ['mesh_not_found'],
      samples: get('/events', 'events'),
    }),
  },
  '/v1/meshes/{id}/cancel': {
    post: operation({
      id: 'cancelMesh',
      tag: 'Meshes',
      summary: 'Cancel a mesh',
      description: 'You no longer wait for it. The work stops when nobody else does either.',
      access: 'meshes',
      params,
      answers: {
        200: {
          description: 'The mesh as it stands now: `cancelled`, unless others wait or it has ended.',
          headers: ['cache-status', 'cache-control', 'retry-after?'],
          content: mesh,
        },
      },
      problems: ['mesh_not_found'],
      samples: [{ method: 'POST', path: `${path}/cancel`, key: 'user' }],
    }),
  },
};
