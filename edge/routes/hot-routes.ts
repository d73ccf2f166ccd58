import { getPath } from 'hono/utils/url';
import { problemResponse } from '../http/problem-response.ts';
import { beginRequest, type RequestContext } from '../request-context.ts';
import type { Background } from '../store/tiers.ts';
import { finish, type Counting } from './finish.ts';

/** Answers every case of one route; throws the Problem of a request that it refuses. */
export type Handler = (context: RequestContext) => Promise<Response>;

/** The routes of most requests by far. They are picked here by hand: the router would double what the edge adds to an asset. */
export const hotRoutes = [
  { method: 'POST', path: '/v1/meshes' },
  { method: 'GET', path: '/assets/:file' },
] as const;

export type HotHandlers = Readonly<Record<(typeof hotRoutes)[number]['path'], Handler>>;

/** Answers a request of a hot route; null for every other request, which is the router's. */
export function answerHotRoute(
  request: Request,
  background: Background,
  { handlers, counting }: { handlers: HotHandlers; counting: Counting },
): Promise<Response> | null {
  const route = hotRouteOf(request);
  if (route === null) return null;
  const context = beginRequest(request, background, { route, isOpen: true });
  return answer(handlers[route], context, counting);
}

/** The pattern of the hot route that a request asks for, or null. The path is read as the router reads it. */
function hotRouteOf(request: Request): keyof HotHandlers | null {
  const path = getPath(request);
  if (request.method === 'POST') return path === '/v1/meshes' ? path : null;
  if (request.method !== 'GET' && request.method !== 'HEAD') return null;
  return /^\/assets\/[^/]+$/.test(path) ? '/assets/:file' : null;
}

async function answer(handle: Handler, context: RequestContext, counting: Counting): Promise<Response> {
  const answered = await handle(context).catch((error: unknown) => {
    context.error = error;
    return problemResponse(error, context);
  });
  const isHead = context.request.method === 'HEAD';
  return finish(isHead ? new Response(null, answered) : answered, context, counting);
}
