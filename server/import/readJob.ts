/** What is to be read, and where its files lie. */

import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ImportChoices } from '~/shared/imports';
import type { Group } from './groups';
import type { GivenFile, SourceFile } from './sources';

export interface ReadJob {
  files: GivenFile[];
  /** Folder for data that does not fit into memory; it exists. */
  spoolFolder: string;
  /** `plan`: describes the runs. `read`: reads the chosen runs. */
  mode: 'plan' | 'read';
  choices: ImportChoices;
}

/** Where the one file of the group lies: a member of a zip is written into the spool folder. */
export async function onDisk({ files }: Group, { spoolFolder }: ReadJob, i: number): Promise<string> {
  const [file] = files as [SourceFile];
  if (file.path !== null) return file.path;
  const unpacked = path.join(spoolFolder, `${i}.headroom`);
  await pipeline(await file.open(), createWriteStream(unpacked));
  return unpacked;
}
