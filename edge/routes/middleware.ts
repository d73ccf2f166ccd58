import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { Authenticated } from '../access/auth.ts';
import { preflight } from '../http/cors.ts';
import { beginRequest, type RequestContext } from '../request-context.ts';
import { finish, type Counting } from './finish.ts';

export type Contextual = { Variables: { context: RequestContext } };

/** Begins each request of the router and finishes its answer; to be the outermost middleware. */
export function finishAnswers(counting: Counting): MiddlewareHandler<Contextual> {
  return async (c, next) => {
    const context = beginRequest(c.req.raw, c.executionCtx, { route: 'other', isOpen: false });
    c.set('context', context);
    await next();
    // The pattern that matched, in place of the path: no client can make up new counters.
    const pattern = routePath(c, -1).replaceAll(/\{[^}]*\}/g, '');
    if (pattern !== '' && !pattern.endsWith('*')) context.route = pattern;
    finish(c.res, context, counting);
  };
}

/** Lets the scripts of any page read the answers. */
export const openToBrowsers: MiddlewareHandler<Contextual> = async (c, next) => {
  if (c.req.method === 'OPTIONS') return preflight(c, next);
  c.get('context').isOpen = true;
  return next();
};

/** Counts a request in the ledger of its caller's tenant; to be mounted behind `requireKey`. */
export const countUsage: MiddlewareHandler<Authenticated> = async (c, next) => {
  c.get('context').tenant = c.get('caller').tenant;
  return next();
};
