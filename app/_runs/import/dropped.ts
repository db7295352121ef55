/** A file and its path inside what was chosen: "logs/version_0/metrics.csv", or its name alone. */
export interface ChosenFile {
  file: File;
  path: string;
}

/** More in one act are refused by the server, too. */
const MAX_FILES = 100_000;

/** Files of a picker; those of a folder have its path. Hidden files stay out. */
export const pickedFiles = (list: FileList): ChosenFile[] =>
  [...list].map((file) => ({ file, path: file.webkitRelativePath || file.name })).filter(({ path }) => !isHidden(path));

const isHidden = (path: string): boolean => path.split('/').some((part) => part.startsWith('.'));

/** What is dragged holds files, not text or a link. */
export const hasFiles = (transfer: DataTransfer | null): transfer is DataTransfer =>
  transfer !== null && [...transfer.types].includes('Files');

/** Files that were dropped, folders gone through. To be called in the event itself: what was dropped is empty afterwards. */
export async function droppedFiles(transfer: DataTransfer): Promise<ChosenFile[]> {
  const entries: FileSystemEntry[] = [];
  const files: ChosenFile[] = [];
  for (const item of transfer.items) {
    const entry = item.webkitGetAsEntry();
    // A file that does not lie on a disk has no entry.
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
  // A folder is told in parts; an empty one is the last.
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) return;
    for (const inner of part) await collect(inner, files);
  }
}

const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
