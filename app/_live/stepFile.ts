import { formatStep } from '~/app/_charts/format';
import type { StepFile } from '~/app/_charts/types';
import { bytes } from '~/app/_components/format';
import { atBase } from './base';
import type { History } from './history';

/** Approximate bytes of a number as text, and of a row before its numbers. */
const BYTES = { number: 19, row: 22 };

/** The server's CSV file with every row of the range shown, for these series of a run; null until its size is known. */
export function stepFile(runId: string, history: History, names: readonly string[], label: string): StepFile | null {
  // If series have different cadences, the file has a line for every step of any of them.
  const all = names.map((name) => history.stepsShown(name)).filter((s) => s !== null);
  const rows = Math.max(0, ...all.map((s) => s.rows));
  if (rows === 0) return null;
  const from = Math.min(...all.map((s) => s.from));
  const to = Math.max(...all.map((s) => s.to));
  const query = new URLSearchParams({ format: 'csv', from: String(from), to: String(to) });
  for (const name of names) query.append('series', name);
  return {
    href: atBase(`/api/runs/${runId}/export?${query}`),
    label,
    size: `${formatStep(rows)} rows × ${names.length} series, about ${bytes(rows * (BYTES.row + names.length * BYTES.number))}`,
  };
}
