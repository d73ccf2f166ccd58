import { Hono } from 'hono';
import { localAdminKeyCommand, localKeyCommand, ownNames } from '../../contract/own-machine.ts';
import { sha256 } from '../../contract/digest.ts';
import { entityTag } from '../http/asset-headers.ts';
import { evaluatePreconditions } from '../http/conditional.ts';
import { openApiDocument } from './document.ts';
import { documentUrl } from './samples.ts';

const cacheSeconds = 300;

/** Shell variables of the document's lines, and what has their keys on the machine of the edge. */
const localKeys = { $MESHKILN_API_KEY: localKeyCommand, $MESHKILN_ADMIN_KEY: localAdminKeyCommand };

/** `GET /openapi.json`: the document, with this edge's own address in it; lines for a shell work on its machine as they stand. */
export function openApiRoute() {
  let made: string | undefined;
  return new Hono().get('/openapi.json', async (c) => {
    made ??= JSON.stringify(openApiDocument());
    const url = new URL(c.req.url);
    let text = made.replaceAll(documentUrl, url.origin);
    if (ownNames.has(url.hostname)) {
      for (const [variable, command] of Object.entries(localKeys)) text = text.replaceAll(variable, () => command);
    }
    const etag = entityTag(await sha256(text));
    const headers = { etag, 'cache-control': `public, max-age=${cacheSeconds}` };
    if (evaluatePreconditions(c.req.raw.headers, etag) === 'not_modified') return c.body(null, 304, headers);
    return c.body(text, 200, { ...headers, 'content-type': 'application/json' });
  });
}
