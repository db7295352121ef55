import { firstAt } from '~/shared/rows';
import { STRIPE } from './layout';
import { type BlockRun, type RowArrays, rowArrays } from './rowRuns';

/** Rows of the open block as they were appended; `steps` null: consecutive from `firstStep`; `times` null: all equal `at`. */
export interface TailPart {
  firstRow: number;
  rows: number;
  firstStep: number;
  at: number;
  steps: Buffer | null;
  times: Buffer | null;
  data: Buffer;
}

export interface OpenTail {
  /** Infinity when it is empty. */
  firstRow: number;
  firstStep: number;
  runs(stripe: number, from: number, to: number): BlockRun[];
  stepOf(row: number): number;
  rowAt(step: number): number;
}

/** Joins all rows of the open block: its parts are small and many. */
export function openTail(parts: TailPart[], width: number): OpenTail {
  const [part] = parts;
  const firstRow = part?.firstRow ?? Number.POSITIVE_INFINITY;
  const count = parts.reduce((n, p) => n + p.rows, 0);
  let opened: RowArrays | null = null;
  const open = () => {
    opened ??= joined(parts, count, width);
    return opened;
  };
  return {
    firstRow,
    firstStep: part?.firstStep ?? Number.POSITIVE_INFINITY,
    runs(stripe, from, to) {
      if (count === 0 || to <= firstRow || from >= firstRow + count) return [];
      const { values } = open();
      return [
        {
          firstRow,
          count,
          steps: () => open().steps,
          times: () => open().times,
          column: (i) => ({ values, offset: stripe * STRIPE + i, stride: width }),
        },
      ];
    },
    stepOf: (row) => open().steps[row - firstRow]!,
    rowAt: (step) => firstRow + firstAt(open().steps, step),
  };
}

/** All rows of the parts, which are adjacent: `count` rows of `width` numbers. */
export function joined(parts: readonly TailPart[], count: number, width: number): RowArrays {
  const rows = rowArrays(count, width);
  const { steps, times, values } = rows;
  const bytes = new Uint8Array(values.buffer);
  let at = 0;
  for (const p of parts) {
    if (p.steps) steps.set(doubles(p.steps), at);
    else for (let i = 0; i < p.rows; i++) steps[at + i] = p.firstStep + i;
    if (p.times) times.set(doubles(p.times), at);
    else times.fill(p.at, at, at + p.rows);
    bytes.set(p.data, at * width * 8);
    at += p.rows;
  }
  return rows;
}

/** Copied, because SQLite's bytes may not be aligned. */
const doubles = (data: Uint8Array): Float64Array => new Float64Array(new Uint8Array(data).buffer);
