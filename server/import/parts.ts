import { stat } from 'node:fs/promises';
import type { Progress } from '~/server/base/jobs';
import type { Entry } from '~/shared/events';
import { readCsv } from './csv';
import { readHeadroomFile } from './headroomFile';
import type { Table } from './table';
import { readTensorboard } from './tensorboard';

export interface ReadJob {
  file: string;
  /** What its sender calls it. */
  name: string;
  kind: 'headroom' | 'csv' | 'tensorboard';
}

/** What a file holds, in the order in which it is made: a table at once; of a `.headroom` file its run, then, once all of it was found right, its content. */
export type ImportPart =
  | { kind: 'table'; table: Table }
  | { kind: 'manifest'; runId: string }
  | { kind: 'checked' }
  | { kind: 'entries'; entries: Entry[] }
  /** Its bytes follow as `bytes`, up to the next part of another kind. */
  | { kind: 'blob'; hash: string }
  | { kind: 'bytes'; bytes: Uint8Array };

/** @throws ImportError when the file is not right */
export async function* importParts({ file, name, kind }: ReadJob, report: (at: Progress) => void): AsyncGenerator<ImportPart> {
  const total = (await stat(file)).size;
  const reading = (doing: string) => (done: number) => report({ doing, done, total, unit: 'bytes' });
  if (kind !== 'headroom') {
    yield { kind: 'table', table: await (kind === 'csv' ? readCsv : readTensorboard)(file, reading('reading the file')) };
    return;
  }
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

/** Buffers of a part that may move to another thread: those that hold nothing else. */
export function ownBuffers(part: ImportPart): ArrayBuffer[] {
  if (part.kind !== 'table') return [];
  const arrays = part.table.streams.flatMap(({ steps, timesMs, series }) => [
    steps,
    ...(timesMs ? [timesMs] : []),
    ...series.map((s) => s.values),
  ]);
  return [...new Set(arrays.map((a) => a.buffer as ArrayBuffer))];
}
