import { crc32 } from 'node:zlib';
import type Database from 'better-sqlite3';

/**
 * Every row that holds numbers has a CRC-32 of them and of its key, written with it and compared on every read: a bit that
 * changed on the disk becomes an error that names run and block, never a wrong number. Data that was already damaged when it was
 * moved to another table gets no checksum, and stays an error.
 */
type Part = number | string | null | Uint8Array;

export function checksum(...parts: Part[]): number {
  let sum = 0;
  let text = '';
  for (const part of parts)
    if (part instanceof Uint8Array) {
      sum = crc32(part, text === '' ? sum : crc32(text, sum));
      text = '';
    } else text += `${part}\n`;
  return text === '' ? sum : crc32(text, sum);
}

/** The stored data differs from what was written. */
export class DamagedError extends Error {
  constructor(what: string) {
    super(
      `${what} is damaged: what was read is not what was written. Restore a backup; \`headroom verify\` lists everything that is damaged`,
    );
    this.name = 'DamagedError';
  }
}

/** Checks data read of a stream. @throws DamagedError that names run, stream and `what` */
export type StreamCheck = (stream: number, what: () => string, sum: number | null, ...parts: Part[]) => void;

export function openStreamCheck(db: Database.Database): StreamCheck {
  const name = db.prepare<[number], { runId: string; name: string }>(
    'SELECT runId, streams.name FROM streams JOIN runs ON runs.id = streams.run WHERE streams.id = ?',
  );
  return (stream, what, sum, ...parts) => {
    if (sum !== null && checksum(...parts) === sum) return;
    const found = name.get(stream);
    throw new DamagedError(`run ${found?.runId}: ${what()} of stream "${found?.name}"`);
  };
}

/** The tables with a checksum, and what it covers, in order; used by verify.ts and the migration. */
export const checked = {
  tail: ['stream', 'generation', 'firstRow', 'rows', 'firstStep', 'at', 'steps', 'times', 'data'],
  blocks: ['stream', 'generation', 'stripe', 'block', 'data'],
  axes: ['stream', 'generation', 'block', 'firstStep', 'steps', 'times'],
  pyramid: ['stream', 'level', 'stripe', 'chunk', 'data'],
  pyramidAxes: ['stream', 'level', 'chunk', 'firstSteps', 'lastSteps', 'lastTimes'],
  entries: ['run', 'seq', 'seqCount', 'attempt', 'at', 'type', 'step', 'stream', 'generation', 'row', 'event'],
  items: ['run', 'kind', 'seq', 'item'],
  views: ['run', 'seq', 'view'],
} as const;
