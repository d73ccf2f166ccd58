import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { KeyAnswer, KeyDeleted, KeyList, NewKeyAnswer } from '../../contract/answers.ts';
import { KeysQuery, NewKeyBody, RotateKeyBody } from '../routes/keys.ts';
import { operation } from './operation.ts';

const bodyProblems = ['invalid_request', 'unknown_parameter', 'invalid_parameter', 'body_too_large'] as const;

const exampleKeyId = 'key_5b1f6a9d0c2e4f8873a1b5d6e7f80912';
const path = z.object({ id: z.string().describe('Id of the key.') });
const made = { description: 'The new key, with its text.', content: { 'application/json': { schema: NewKeyAnswer } } };
const exampleKey = { tenant: 'acme', label: 'ci', expires_in_seconds: 90 * 86_400 };

/** `/admin/keys`: the keys of all tenants. */
export const keyPaths: ZodOpenApiPathsObject = {
  '/admin/keys': {
    post: operation({
      id: 'createKey',
      tag: 'Operator',
      summary: 'Make an API key',
      description: 'Its text is told in this answer and never again.',
      access: 'admin',
      body: {
        content: {
          'application/json': {
            schema: NewKeyBody,
            examples: { tenant: { summary: 'For a tenant, for 90 days', value: exampleKey } },
          },
        },
      },
      answers: { 201: made },
      problems: [...bodyProblems, 'too_many_keys'],
      samples: [
        {
          method: 'POST',
          path: '/admin/keys',
          key: 'admin',
          body: { json: exampleKey },
          command: 'npm run keys -- create acme --label ci --expires 90d',
        },
      ],
    }),
    get: operation({
      id: 'listKeys',
      tag: 'Operator',
      summary: 'List API keys, the newest first',
      access: 'admin',
      params: { query: KeysQuery },
      answers: { 200: { description: 'A page of the list.', content: { 'application/json': { schema: KeyList } } } },
      problems: ['unknown_parameter', 'invalid_parameter'],
      samples: [{ method: 'GET', path: '/admin/keys?tenant=acme', key: 'admin', command: 'npm run keys -- list acme' }],
    }),
  },
  '/admin/keys/{id}': {
    get: operation({
      id: 'getKey',
      tag: 'Operator',
      summary: 'Look at an API key',
      access: 'admin',
      params: { path },
      answers: { 200: { description: 'The key.', content: { 'application/json': { schema: KeyAnswer } } } },
      problems: ['key_not_found'],
      samples: [{ method: 'GET', path: `/admin/keys/${exampleKeyId}`, key: 'admin' }],
    }),
    delete: operation({
      id: 'revokeKey',
      tag: 'Operator',
      summary: 'Revoke an API key',
      description: 'It makes nothing new from this moment; hits end within a minute.',
      access: 'admin',
      params: { path },
      answers: { 200: { description: 'It has ended.', content: { 'application/json': { schema: KeyDeleted } } } },
      problems: ['key_not_found'],
      samples: [
        {
          method: 'DELETE',
          path: `/admin/keys/${exampleKeyId}`,
          key: 'admin',
          command: `npm run keys -- revoke ${exampleKeyId}`,
        },
      ],
    }),
  },
  '/admin/keys/{id}/rotate': {
    post: operation({
      id: 'rotateKey',
      tag: 'Operator',
      summary: 'Make a key in the place of another',
      description: 'It has the same terms and length of life; the old one ends with the overlap.',
      access: 'admin',
      params: { path },
      body: {
        content: {
          'application/json': {
            schema: RotateKeyBody,
            examples: { hour: { summary: 'Both work for an hour', value: { overlap_seconds: 3600 } } },
          },
        },
      },
      answers: { 201: made },
      problems: [...bodyProblems, 'key_not_found', 'too_many_keys'],
      samples: [
        {
          method: 'POST',
          path: `/admin/keys/${exampleKeyId}/rotate`,
          key: 'admin',
          body: { json: { overlap_seconds: 3600 } },
          command: `npm run keys -- rotate ${exampleKeyId} --overlap 1h`,
        },
      ],
    }),
  },
};
