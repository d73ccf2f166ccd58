import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { Sha256 } from '../../contract/digest.ts';
import { IndexPageBody, PurgeBody, TakedownsQuery } from '../routes/admin.ts';
import { IndexPageAnswer, PurgeAnswer, TakedownDeleted, TakedownList } from '../../contract/answers.ts';
import { exampleMeshId } from './examples.ts';
import { operation } from './operation.ts';

const bodyProblems = ['invalid_request', 'unknown_parameter', 'invalid_parameter', 'body_too_large'] as const;

const exampleTakedown = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** `/admin`: what touches every tenant. */
export const operatorPaths: ZodOpenApiPathsObject = {
  '/admin/purge': {
    post: operation({
      id: 'purge',
      tag: 'Operator',
      summary: 'Forget meshes everywhere',
      description:
        'Give exactly one of `id`, `model`, `tag`, `image_sha256` and `asset_sha256`. With `takedown` the digest is ' +
        'refused from then on.',
      access: 'admin',
      body: {
        content: {
          'application/json': {
            schema: PurgeBody,
            examples: {
              mesh: { summary: 'One mesh', value: { id: exampleMeshId } },
              tag: { summary: 'All meshes with a tag', value: { tag: 'spring-catalogue' } },
              takedown: {
                summary: 'A picture, for good',
                value: { image_sha256: exampleTakedown, takedown: true, reason: 'Asked for by its owner.' },
              },
            },
          },
        },
      },
      answers: {
        200: { description: 'What is gone.', content: { 'application/json': { schema: PurgeAnswer } } },
      },
      problems: bodyProblems,
      samples: [{ method: 'POST', path: '/admin/purge', key: 'admin', body: { json: { tag: 'spring-catalogue' } } }],
    }),
  },
  '/admin/takedowns': {
    get: operation({
      id: 'listTakedowns',
      tag: 'Operator',
      summary: 'List what is refused for good',
      access: 'admin',
      params: { query: TakedownsQuery },
      answers: {
        200: { description: 'A page of the list.', content: { 'application/json': { schema: TakedownList } } },
      },
      problems: ['invalid_parameter'],
      samples: [{ method: 'GET', path: '/admin/takedowns', key: 'admin' }],
    }),
  },
  '/admin/takedowns/{sha256}': {
    delete: operation({
      id: 'deleteTakedown',
      tag: 'Operator',
      summary: 'Allow a digest again',
      access: 'admin',
      params: { path: z.object({ sha256: Sha256 }) },
      answers: {
        200: { description: 'It is allowed.', content: { 'application/json': { schema: TakedownDeleted } } },
      },
      problems: ['invalid_request', 'invalid_parameter'],
      samples: [{ method: 'DELETE', path: `/admin/takedowns/${exampleTakedown}`, key: 'admin' }],
    }),
  },
  ...indexPath('rebuild', 'Make a page of the index equal to R2'),
  ...indexPath('check', 'Compare a page of the index with R2'),
};

function indexPath(action: 'rebuild' | 'check', summary: string): ZodOpenApiPathsObject {
  const first = { after: { of: 'meshes', after: null } };
  return {
    [`/admin/index/${action}`]: {
      post: operation({
        id: `${action}Index`,
        tag: 'Operator',
        summary,
        access: 'admin',
        body: {
          content: {
            'application/json': {
              schema: IndexPageBody,
              examples: { first: { summary: 'The first page', value: first } },
            },
          },
        },
        answers: {
          200: { description: 'How they compare.', content: { 'application/json': { schema: IndexPageAnswer } } },
        },
        problems: bodyProblems,
        samples: [
          {
            method: 'POST',
            path: `/admin/index/${action}`,
            key: 'admin',
            body: { json: first },
            command: `npm run index -- ${action}`,
          },
        ],
      }),
    },
  };
}
