/** In the working folder. */
export const defaultDataFolder = '.headroom';

/** The data folder of a server on this machine: the one given, else that of the environment; an empty value is none. */
export const dataFolderOf = (given: string | undefined, env: Readonly<Record<string, string | undefined>>): string =>
  given || env.HEADROOM_DATA || defaultDataFolder;

interface FileSystem {
  statSync(path: string): { isDirectory(): boolean };
  mkdirSync(path: string): void;
}

/**
 * Makes a folder and those above it. Node's own `recursive` never returns where the file system refuses new folders by saying
 * that there is no such folder, as /proc does.
 *
 * @throws the file system's error
 */
export function makeFolder(folder: string, fs: FileSystem, path: { dirname(path: string): string }): void {
  try {
    fs.mkdirSync(folder);
  } catch (error) {
    const above = path.dirname(folder);
    const noneAbove = (error as { code?: string }).code === 'ENOENT' && !isFolder(above, fs);
    if (noneAbove && above !== folder) {
      makeFolder(above, fs, path);
      makeFolder(folder, fs, path);
      // Also when another process made it in between.
    } else if (!isFolder(folder, fs)) throw error;
  }
}

function isFolder(folder: string, fs: FileSystem): boolean {
  try {
    return fs.statSync(folder).isDirectory();
  } catch {
    return false;
  }
}
