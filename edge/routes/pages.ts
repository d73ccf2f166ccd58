import { Hono, type Context } from 'hono';
import { trimTrailingSlash } from 'hono/trailing-slash';
import { keyOfMeshId } from '../../contract/key.ts';
import type { MeshObject } from '../../contract/mesh.ts';
import type { Manifests } from '../store/manifests.ts';
import { pageHeaders } from '../http/page-headers.ts';
import { meshObject } from '../meshes/mesh-object.ts';
import { foundMesh } from '../meshes/mesh-state.ts';
import { assetUrlsOf } from './mesh-answer.ts';
import { fillSharePage } from './share-page.ts';

type PageContext = Context;
type Page = 'index' | 'dashboard' | 'docs' | 'share';
export type PageRoutesOptions = { site: Fetcher; manifests: Manifests; urlSecret: string };

/** The pages that people look at, each a built file with the headers that keep it to itself. */
export function pageRoutes(options: PageRoutesOptions) {
  const { site } = options;
  return new Hono()
    .use('/dashboard/', trimTrailingSlash())
    .use('/docs/', trimTrailingSlash())
    .get('/', (c) => page(c, 'index', site))
    .get('/dashboard', (c) => page(c, 'dashboard', site))
    .get('/docs', (c) => page(c, 'docs', site))
    .get('/m/:id', (c) => sharePage(c, options));
}

/** Answers with a built page, or 304 where the client has it. */
async function page(c: PageContext, name: Page, site: Fetcher): Promise<Response> {
  const seen = c.req.header('if-none-match');
  return withPageHeaders(await pageFile(c, name, site, seen ? { 'if-none-match': seen } : {}));
}

/** Answers with the page of a finished mesh that everyone may see; 404 for any other. */
async function sharePage(c: PageContext, { site, ...options }: PageRoutesOptions): Promise<Response> {
  const mesh = await sharedMesh(c, options);
  const file = await pageFile(c, 'share', site, {});
  const answer = withPageHeaders(new Response(file.body, { status: mesh === null ? 404 : 200, headers: file.headers }));
  answer.headers.delete('etag'); // the file's, which is not all that is in this page
  return fillSharePage(answer, { mesh }, c.req.url);
}

async function sharedMesh(c: PageContext, options: Omit<PageRoutesOptions, 'site'>): Promise<MeshObject | null> {
  const key = keyOfMeshId(c.req.param('id') ?? '');
  const found = key === null ? null : await options.manifests.read(key);
  if (found === null || found.manifest.owner !== undefined) return null;
  return meshObject(foundMesh(found), { assetUrls: assetUrlsOf(c.req, options.urlSecret), metadata: {} });
}

function pageFile(c: PageContext, name: Page, site: Fetcher, headers: Record<string, string>): Promise<Response> {
  return site.fetch(new URL(`/${name}.html`, c.req.url), { headers });
}

function withPageHeaders(file: Response): Response {
  const answer = new Response(file.body, file);
  for (const [header, value] of Object.entries(pageHeaders)) answer.headers.set(header, value);
  return answer;
}
