import { counted, formatPercent, formatValue } from '~/shared/numbers';
import type { Curve } from './curve';
import { formatStep } from './format';
import type { LineSpec, RowAt } from './types';
import { describeStep, type XMap } from './xMap';

/** Values of a line at a step, as text. */
export interface Readout {
  /** The exact value; ≈ before it means that only the mean of its bucket is loaded. */
  value: string;
  /** Step of the value's row when it is an earlier one: the series has no row at the step itself. */
  asOf: number | null;
  /** min .. max of the drawn bucket at the step, when it holds more than this row. */
  range: string | null;
  /** The moving average at the step; ≈ before it means that only the average at the end of its bucket is loaded. */
  smoothed: string | null;
}

export const valueFormat = (percent: boolean) => (v: number) => (percent ? formatPercent(v, 6) : formatValue(v, 6));

/** The bucket that a line draws at a step, from the finest curve that covers it. */
function bucketAt(line: LineSpec, step: number): { curve: Curve; i: number } | null {
  for (const curve of [...(line.early?.() ?? []), line.curve(), line.whole?.()]) {
    if (!curve || (curve.toStep !== null && step >= curve.toStep)) continue;
    const i = curve.at(step);
    if (i >= 0) return { curve, i };
  }
  return null;
}

/** The newest row at or before a step; `exact: false` while only the mean of the drawn bucket is loaded. null: there is none. */
export function rowOf(line: LineSpec, step: number): (RowAt & { exact: boolean }) | null {
  const row = line.exact?.(step);
  if (row) return { ...row, exact: true };
  const drawn = bucketAt(line, step);
  if (!drawn || row === null) return null;
  const { curve, i } = drawn;
  const last = curve.lastSteps[i]!;
  if (last <= step) return { step: last, value: curve.values.last[i]!, exact: true };
  return { step, value: curve.mean(i), exact: false };
}

export function readout(line: LineSpec, step: number, smoothing: number, percent: boolean): Readout {
  const format = valueFormat(percent);
  const row = rowOf(line, step);
  const drawn = bucketAt(line, step);
  const average = line.smoothed && smoothing > 0 ? line.average?.(step) : null;
  return {
    value: row ? `${row.exact ? '' : '≈ '}${format(row.value)}` : '–',
    asOf: row && row.step < step ? row.step : null,
    range: drawn && drawn.curve.rows[drawn.i]! > 1 ? bucketRange(drawn.curve, drawn.i, format) : null,
    smoothed:
      typeof average === 'number'
        ? finite(average, format)
        : average === undefined && drawn
          ? finite(drawn.curve.ema[drawn.i]!, format, '≈ ')
          : null,
  };
}

const finite = (v: number, format: (v: number) => string, before = ''): string | null =>
  Number.isNaN(v) ? null : before + format(v);

/** The newest value, as text. */
export function newest(line: LineSpec, percent: boolean): string {
  const curve = line.whole?.() ?? line.curve();
  return curve && curve.count > 0 ? valueFormat(percent)(curve.values.last[curve.count - 1]!) : '–';
}

function bucketRange(curve: Curve, i: number, format: (v: number) => string): string {
  const steps = `${formatStep(curve.steps[i]!)}–${formatStep(curve.lastSteps[i]!)}`;
  return `${format(curve.values.min[i]!)} to ${format(curve.values.max[i]!)} in steps ${steps}`;
}

/** A chart in one sentence per line, for people who cannot see it. */
export function summary(title: string, lines: readonly LineSpec[], percent: boolean, marks: number, map: XMap): string {
  const format = valueFormat(percent);
  const said = lines.map((line) => {
    const curve = line.curve() ?? line.whole?.() ?? null;
    if (!curve || curve.count === 0) return `${line.label}: no values yet.`;
    let low = -1;
    let high = -1;
    for (let i = 0; i < curve.count; i++) {
      if (Number.isNaN(curve.values.min[i]!)) continue;
      if (low < 0 || curve.values.min[i]! < curve.values.min[low]!) low = i;
      if (high < 0 || curve.values.max[i]! > curve.values.max[high]!) high = i;
    }
    const odd = curve.nonFiniteCount();
    const about = (i: number) => describeStep(map, curve.steps[i]!);
    const extremes =
      low < 0
        ? 'no finite value'
        : `lowest ${format(curve.values.min[low]!)} near ${about(low)}, highest ${format(curve.values.max[high]!)} near ${about(high)}`;
    const nan = odd > 0 ? `, ${counted(odd, 'value is', 'values are')} NaN or infinite` : '';
    return `${line.label}: latest ${format(curve.values.last[curve.count - 1]!)}, ${extremes}${nan}.`;
  });
  return `${title}. ${said.join(' ')}${marks > 0 ? ` ${counted(marks, 'event is', 'events are')} marked.` : ''}`;
}
