import { formatStep } from '~/app/_charts/format';
import type { StepFile } from '~/app/_charts/types';
import { bytes } from '~/app/_components/format';
import type { History } from './history';

/** About what a number takes as text, and a row before its numbers. */
const BYTES = { number: 19, row: 22 };

/** Every step of the range shown, of these series of a run, as a CSV file of the server; null until it is known how much that is. */
export function stepFile(runId: string, history: History, names: readonly string[], label: string): StepFile | null {
  const shown = names[0] === undefined ? null : history.stepsShown(names[0]);
  if (!shown || shown.rows === 0) return null;
  const { from, to, rows } = shown;
  const query = new URLSearchParams({ format: 'csv', from: String(from), to: String(to) });
  for (const name of names) query.append('series', name);
  return {
    href: `/api/runs/${runId}/export?${query}`,
    label,
    size: `${formatStep(rows)} steps × ${names.length} series, about ${bytes(rows * (BYTES.row + names.length * BYTES.number))}`,
  };
}
