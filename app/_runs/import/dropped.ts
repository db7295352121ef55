/** A file and its path within the selection: "logs/version_0/metrics.csv", or just its name. */
export interface ChosenFile {
  file: File;
  path: string;
}

/** The server refuses more files per import, too. */
const MAX_FILES = 100_000;

/** Files of a picker; files of a chosen folder have relative paths. Hidden files are left out. */
export const pickedFiles = (list: FileList): ChosenFile[] =>
  [...list].map((file) => ({ file, path: file.webkitRelativePath || file.name })).filter(({ path }) => !isHidden(path));

const isHidden = (path: string): boolean => path.split('/').some((part) => part.startsWith('.'));

/** Whether the dragged data contains files, not text or a link. */
export const hasFiles = (transfer: DataTransfer | null): transfer is DataTransfer =>
  transfer !== null && [...transfer.types].includes('Files');

/** Dropped files, including those in dropped folders. Call it within the event: the browser clears the data afterwards. */
export async function droppedFiles(transfer: DataTransfer): Promise<ChosenFile[]> {
  const entries: FileSystemEntry[] = [];
  const files: ChosenFile[] = [];
  for (const item of transfer.items) {
    const entry = item.webkitGetAsEntry();
    // A file that is not on a disk has no entry.
    const file = entry ? null : item.getAsFile();
    if (entry) entries.push(entry);
    else if (file) files.push({ file, path: file.name });
  }
  for (const entry of entries) await collect(entry, files);
  return files;
}

async function collect(entry: FileSystemEntry, files: ChosenFile[]): Promise<void> {
  if (entry.name.startsWith('.') || files.length >= MAX_FILES) return;
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    files.push({ file, path: entry.fullPath.replace(/^\//, '') });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  // The browser returns a folder's entries in parts; an empty part is the last.
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) return;
    for (const inner of part) await collect(inner, files);
  }
}

const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
