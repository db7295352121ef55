/** The path below which a proxy shows Headroom, e.g. "/headroom"; empty at the top. Next's links and router add it by themselves; addresses made by hand need it. */
export const atBase = (path: string): string => `${process.env.NEXT_PUBLIC_BASE_PATH ?? ''}${path}`;
