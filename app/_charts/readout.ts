import type { Curve } from './curve';
import { formatPercent, formatStep, formatValue } from './format';
import type { LineSpec } from './types';
import { describeStep, type XMap } from './xMap';

/** What a line says at a step, in words. */
export interface Readout {
  /** The exact value; preceded by ≈ while only its bucket's mean is at hand. */
  value: string;
  /** min .. max of the bucket drawn there, when it holds more than this step. */
  range: string | null;
  /** The moving average at the step; preceded by ≈ while only that at its bucket's end is at hand. */
  smoothed: string | null;
}

export const valueFormat = (percent: boolean) => (v: number) => (percent ? formatPercent(v, 6) : formatValue(v, 6));

export function readout(line: LineSpec, step: number, smoothing: number, percent: boolean): Readout {
  const format = valueFormat(percent);
  const curve = line.early?.().find((c) => c.at(step) >= 0) ?? line.curve() ?? line.whole?.() ?? null;
  const i = curve ? curve.at(step) : -1;
  const exact = line.exact?.(step);
  let value = '–';
  if (typeof exact === 'number') value = format(exact);
  else if (curve && i >= 0) value = curve.rows[i] === 1 ? format(curve.values.last[i]!) : `≈ ${format(curve.mean(i))}`;
  const wide = curve && i >= 0 && curve.rows[i]! > 1;
  const average = line.smoothed && smoothing > 0 ? line.average?.(step) : null;
  return {
    value,
    range: wide ? bucketRange(curve, i, format) : null,
    smoothed:
      typeof average === 'number'
        ? finite(average, format)
        : average === undefined && curve && i >= 0
          ? finite(curve.ema[i]!, format, '≈ ')
          : null,
  };
}

const finite = (v: number, format: (v: number) => string, before = ''): string | null =>
  Number.isNaN(v) ? null : before + format(v);

/** The last value there is, in words. */
export function newest(line: LineSpec, percent: boolean): string {
  const curve = line.whole?.() ?? line.curve();
  return curve && curve.count > 0 ? valueFormat(percent)(curve.values.last[curve.count - 1]!) : '–';
}

function bucketRange(curve: Curve, i: number, format: (v: number) => string): string {
  const first = curve.firstStep + i * curve.bucketSteps;
  const last = Math.min(first + curve.bucketSteps, curve.headStep) - 1;
  return `${format(curve.values.min[i]!)} to ${format(curve.values.max[i]!)} in steps ${formatStep(first)}–${formatStep(last)}`;
}

/** A chart in one sentence per line, for those who cannot see it. */
export function summary(title: string, lines: readonly LineSpec[], percent: boolean, marks: number, map: XMap): string {
  const format = valueFormat(percent);
  const said = lines.map((line) => {
    const curve = line.curve() ?? line.whole?.() ?? null;
    if (!curve || curve.count === 0) return `${line.label}: no values yet.`;
    let low = -1;
    let high = -1;
    for (let i = 0; i < curve.count; i++) {
      if (!(curve.rows[i]! > 0) || Number.isNaN(curve.values.min[i]!)) continue;
      if (low < 0 || curve.values.min[i]! < curve.values.min[low]!) low = i;
      if (high < 0 || curve.values.max[i]! > curve.values.max[high]!) high = i;
    }
    const odd = curve.nonFiniteCount();
    const about = (i: number) => describeStep(map, curve.firstStep + i * curve.bucketSteps);
    const extremes =
      low < 0
        ? 'no finite value'
        : `lowest ${format(curve.values.min[low]!)} near ${about(low)}, highest ${format(curve.values.max[high]!)} near ${about(high)}`;
    const nan = odd > 0 ? `, ${odd} values are NaN or infinite` : '';
    return `${line.label}: latest ${format(curve.values.last[curve.count - 1]!)}, ${extremes}${nan}.`;
  });
  return `${title}. ${said.join(' ')}${marks > 0 ? ` ${marks} events are marked.` : ''}`;
}
