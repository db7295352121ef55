import createRouter, { type HTTPMethod } from 'find-my-way';
import type { Method, Route } from '~/server/base/route';

/** The result of a look-up: a route with the parameters in its path, the methods that the path allows instead, or null. */
export type Found = { route: Route; params: Record<string, string> } | { allowed: Method[]; route: Route } | null;

const methods: Method[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** @throws Error when two routes have the same method and path */
export function routeTable(routes: readonly Route[]): (method: string, path: string) => Found {
  const router = createRouter({ maxParamLength: 512 });
  for (const route of routes) {
    const own = new Set<Method>([route.method].flat());
    if (own.has('GET')) own.add('HEAD');
    router.on([...own] as HTTPMethod[], route.path, () => {}, route);
  }
  const find = (method: string, path: string) => router.find(method as HTTPMethod, path);
  return (method, path) => {
    const found = find(method, path);
    if (found) return { route: found.store as Route, params: found.params as Record<string, string> };
    const others = methods.flatMap((m) => {
      const other = find(m, path);
      return other ? [{ method: m, route: other.store as Route }] : [];
    });
    return others[0] ? { allowed: others.map((o) => o.method), route: others[0].route } : null;
  };
}
