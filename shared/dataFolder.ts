/** In the working folder. */
export const defaultDataFolder = '.headroom';

/** The data folder of a server on this machine: the one given, else that of the environment; an empty value is none. */
export const dataFolderOf = (given: string | undefined, env: Readonly<Record<string, string | undefined>>): string =>
  given || env.HEADROOM_DATA || defaultDataFolder;
