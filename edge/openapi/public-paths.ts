import { z } from 'zod';
import { fileExtensions, mediaTypes } from '../../contract/formats.ts';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { Health, ModelAnswer, ModelList, Readiness } from '../../contract/answers.ts';
import { binary, downloadHeaders, downloadProblems } from './download-answers.ts';
import { exampleAssetSha256, exampleModel } from './examples.ts';
import { operation } from './operation.ts';

const assetPath = `/assets/${exampleAssetSha256}.glb`;
const assetMediaTypes = Object.values(mediaTypes);
const assetFile = z
  .string()
  .regex(new RegExp(`^[0-9a-f]{64}\\.(${fileExtensions.join('|')})$`))
  .describe('SHA-256 of the bytes and the ending of their format; a wrong ending is a 404.');
const assetParams = {
  path: z.object({ file: assetFile }),
  query: z.object({
    mesh: z.string().optional().describe('Of a private mesh: its id.'),
    expires: z.string().optional().describe('Until when the URL works, in seconds since the epoch.'),
    signature: z.string().optional().describe('Given with `asset.url`; covers all of the above.'),
  }),
  header: z.object({
    range: z.string().optional().describe('`bytes=…`, one range (RFC 9110 §14.2).'),
    'if-range': z.string().optional().describe('The ETag under which `Range` holds (RFC 9110 §13.1.5).'),
    'if-none-match': z.string().optional(),
    'if-match': z.string().optional(),
  }),
};

/** Downloads, models, and what the edge says of itself. */
export const publicPaths: ZodOpenApiPathsObject = {
  '/assets/{file}': {
    get: operation({
      id: 'getAsset',
      tag: 'Downloads',
      summary: 'Download bytes by their digest',
      description: 'Immutable, so that any cache may keep them; those of a private mesh by a URL that expires.',
      access: 'anyone',
      params: assetParams,
      answers: {
        200: { description: 'The bytes.', headers: downloadHeaders, content: binary(assetMediaTypes) },
        206: {
          description: 'The part that `Range` asked for.',
          headers: [...downloadHeaders, 'content-range'],
          content: binary(assetMediaTypes),
        },
        304: { description: 'You have these very bytes.', headers: ['etag', 'cache-control', 'cache-status'] },
      },
      problems: ['invalid_asset_url', ...downloadProblems],
      samples: [{ method: 'GET', path: assetPath, key: null, answer: { file: 'mesh.glb' } }],
    }),
    head: operation({
      id: 'headAsset',
      tag: 'Downloads',
      summary: 'Look at the headers of a download',
      access: 'anyone',
      params: assetParams,
      answers: {
        200: { description: 'The headers of the GET.', headers: downloadHeaders },
        304: { description: 'You have these very bytes.', headers: ['etag', 'cache-control', 'cache-status'] },
      },
      problems: ['invalid_asset_url', 'not_found', 'taken_down', 'precondition_failed'],
      samples: [{ method: 'HEAD', path: assetPath, key: null }],
    }),
  },
  '/v1/models': {
    get: operation({
      id: 'listModels',
      tag: 'Models',
      summary: 'List the models',
      access: 'meshes',
      answers: {
        200: {
          description: 'The models that origins offer, also while all of them are away.',
          content: { 'application/json': { schema: ModelList, example: { object: 'list', data: [exampleModel] } } },
        },
      },
      problems: ['no_origin'],
      samples: [{ method: 'GET', path: '/v1/models', key: 'user' }],
    }),
  },
  '/v1/models/{id}': {
    get: operation({
      id: 'getModel',
      tag: 'Models',
      summary: 'Look at a model',
      access: 'meshes',
      params: { path: z.object({ id: z.string().describe('An id, a name (its newest version) or `default`.') }) },
      answers: {
        200: {
          description: 'The model.',
          content: { 'application/json': { schema: ModelAnswer, example: exampleModel } },
        },
      },
      problems: ['model_not_found', 'no_origin'],
      samples: [{ method: 'GET', path: '/v1/models/default', key: 'user' }],
    }),
  },
  '/healthz': {
    get: operation({
      id: 'getHealth',
      tag: 'Service',
      summary: 'Whether this edge runs',
      access: 'anyone',
      answers: { 200: { description: 'It runs.', content: { 'application/json': { schema: Health } } } },
      samples: [{ method: 'GET', path: '/healthz', key: null }],
    }),
  },
  '/readyz': {
    get: operation({
      id: 'getReadiness',
      tag: 'Service',
      summary: 'Whether a miss would find an origin',
      description: 'What is cached is served without one.',
      access: 'anyone',
      answers: {
        200: { description: 'At least one origin is ready.', content: { 'application/json': { schema: Readiness } } },
      },
      problems: ['no_origin'],
      samples: [{ method: 'GET', path: '/readyz', key: null }],
    }),
  },
  '/openapi.json': {
    get: operation({
      id: 'getOpenApi',
      tag: 'Service',
      summary: 'This document',
      access: 'anyone',
      answers: {
        200: {
          description: 'OpenAPI 3.1.',
          headers: ['etag', 'cache-control'],
          content: { 'application/json': { schema: z.looseObject({ openapi: z.literal('3.1.1') }) } },
        },
        304: { description: 'You have this very document.', headers: ['etag', 'cache-control'] },
      },
      samples: [{ method: 'GET', path: '/openapi.json', key: null }],
    }),
  },
  ...pagePath('/', 'getPlayground', 'The playground'),
  '/m/{id}': {
    get: operation({
      id: 'getSharePage',
      tag: 'Service',
      summary: 'The page of a finished, shared mesh',
      description: 'With a preview for sites that show one of a link (Open Graph).',
      access: 'anyone',
      params: { path: z.object({ id: z.string().describe('Of the mesh.') }) },
      answers: {
        200: { description: 'The page.', headers: ['cache-control'], content: binary(['text/html']) },
        404: { description: 'A page that says that there is no such mesh.', content: binary(['text/html']) },
      },
    }),
  },
  ...pagePath('/dashboard', 'getDashboard', "The operator's dashboard"),
  ...pagePath('/docs', 'getDocs', 'This documentation, for people'),
};

function pagePath(path: string, id: string, summary: string): ZodOpenApiPathsObject {
  return {
    [path]: {
      get: operation({
        id,
        tag: 'Service',
        summary,
        access: 'anyone',
        answers: {
          200: { description: 'A page.', headers: ['etag', 'cache-control'], content: binary(['text/html']) },
          304: { description: 'You have this very page.', headers: ['etag', 'cache-control'] },
        },
      }),
    },
  };
}
