import { Hono } from 'hono';
import { sha256 } from '../../contract/digest.ts';
import { entityTag } from '../http/asset-headers.ts';
import { evaluatePreconditions } from '../http/conditional.ts';
import { openApiDocument } from './document.ts';
import { documentUrl } from './samples.ts';

const cacheSeconds = 300;

/** `GET /openapi.json`: the document, with this edge's own address in it. */
export function openApiRoute() {
  let made: string | undefined;
  return new Hono().get('/openapi.json', async (c) => {
    made ??= JSON.stringify(openApiDocument());
    const text = made.replaceAll(documentUrl, new URL(c.req.url).origin);
    const etag = entityTag(await sha256(text));
    const headers = { etag, 'cache-control': `public, max-age=${cacheSeconds}` };
    if (evaluatePreconditions(c.req.raw.headers, etag) === 'not_modified') return c.body(null, 304, headers);
    return c.body(text, 200, { ...headers, 'content-type': 'application/json' });
  });
}
