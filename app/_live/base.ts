/** Prepends the path under which a proxy serves Headroom, e.g. "/headroom". Next's links and router do this themselves. */
export const atBase = (path: string): string => `${process.env.NEXT_PUBLIC_BASE_PATH ?? ''}${path}`;
