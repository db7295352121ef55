/** Proxies that replace "/headroom" by "/" ask for "//runs". */
const oneSlash = (url: string): string => url.replace(/^\/{2,}/, '/');

/** The request's path without the base path, which a proxy may have removed already. */
export function withoutBase(given = '/', basePath: string): string {
  const url = oneSlash(given);
  if (basePath === '' || !url.startsWith(basePath)) return url;
  const rest = url.slice(basePath.length);
  return rest === '' ? '/' : rest.startsWith('?') ? `/${rest}` : rest.startsWith('/') ? oneSlash(rest) : url;
}
