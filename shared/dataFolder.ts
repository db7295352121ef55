/** In the working folder. */
export const defaultDataFolder = '.headroom';

/** The data folder of a server on this machine: the one given, else that of the environment; an empty value is none. */
export const dataFolderOf = (given: string | undefined, env: Readonly<Record<string, string | undefined>>): string =>
  given || env.HEADROOM_DATA || defaultDataFolder;

interface FileSystem {
  statSync(path: string, options: { throwIfNoEntry: false }): { isDirectory(): boolean } | undefined;
  mkdirSync(path: string): void;
}

/**
 * Makes a folder and those above it. Node's own `recursive` never returns where the file system refuses new folders by saying
 * that there is no such folder, as /proc does.
 *
 * @throws the file system's error
 */
export function makeFolder(folder: string, fs: FileSystem, { dirname }: { dirname(path: string): string }): void {
  // Also after a failure: another process may have made it in between.
  const isThere = () => fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false;
  try {
    fs.mkdirSync(folder);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== 'ENOENT' || dirname(folder) === folder) {
      if (code === 'ENOTDIR' || !isThere()) throw error;
      return;
    }
    makeFolder(dirname(folder), fs, { dirname });
    try {
      fs.mkdirSync(folder);
    } catch (error) {
      if (!isThere()) throw error;
    }
  }
}
