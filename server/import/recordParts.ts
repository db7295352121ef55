import { stat } from 'node:fs/promises';
import type { Progress } from '~/server/base/jobs';
import type { Entry } from '~/shared/events';
import { readHeadroomFile } from './headroomFile';

export interface RecordJob {
  mode: 'record';
  file: string;
  /** The sender's name for the file. */
  name: string;
}

/**
 * The content of a `.headroom` file, in the order in which it is made: its run, then, once all of it was checked, its entries and
 * blobs.
 */
export type RecordPart =
  | { kind: 'manifest'; runId: string }
  | { kind: 'checked' }
  | { kind: 'entries'; entries: Entry[] }
  /** Its bytes follow as `bytes`, up to the next part of another kind. */
  | { kind: 'blob'; hash: string }
  | { kind: 'bytes'; bytes: Uint8Array };

/** @throws ImportError when the file is invalid */
export async function* recordParts({ file, name }: RecordJob, report: (at: Progress) => void): AsyncGenerator<RecordPart> {
  const total = (await stat(file)).size;
  const reading = (doing: string) => (done: number) => report({ doing, done, total, unit: 'bytes' });
  for await (const part of readHeadroomFile(file, reading('checking the file'), name))
    if (part.kind === 'manifest') yield part;
    else if (part.kind === 'blob') for await (const _ of part.body);
  yield { kind: 'checked' };
  for await (const part of readHeadroomFile(file, reading('writing the run'), name))
    if (part.kind === 'entries') yield { kind: 'entries', entries: part.entries };
    else if (part.kind === 'blob') {
      yield { kind: 'blob', hash: part.hash };
      for await (const bytes of part.body) yield { kind: 'bytes', bytes };
    }
}
