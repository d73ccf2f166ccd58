import { Hono, type Context } from 'hono';
import type { Env } from '../env.ts';
import { pageHeaders } from '../http/page-headers.ts';

type PageContext = Context<{ Bindings: Env }>;
type Page = 'index' | 'dashboard' | 'docs' | 'share';

/** The pages that people look at, each a built file with the headers that keep it to itself. */
export function pageRoutes(site: Fetcher) {
  return new Hono<{ Bindings: Env }>()
    .get('/', (c) => page(c, 'index', site))
    .get('/dashboard', (c) => page(c, 'dashboard', site))
    .get('/docs', (c) => page(c, 'docs', site));
}

/** Answers with a built page, or 304 where the client has it. */
async function page(c: PageContext, name: Page, site: Fetcher): Promise<Response> {
  const seen = c.req.header('if-none-match');
  const file = await site.fetch(
    new URL(`/${name}.html`, c.req.url),
    seen ? { headers: { 'if-none-match': seen } } : {},
  );
  const answer = new Response(file.body, file);
  for (const [header, value] of Object.entries(pageHeaders)) answer.headers.set(header, value);
  return answer;
}
