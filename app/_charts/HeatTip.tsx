import type { CSSProperties } from 'react';
import { formatStep, formatTick } from './format';
import { readout } from './readout';
import type { LineSpec } from './types';
import type { XMap } from './xMap';

/** The exact value of one series at the step under the pointer. */
export function HeatTip({
  step,
  row,
  head,
  map,
  limit,
  style,
}: {
  step: number;
  row: LineSpec;
  /** Number of steps done. */
  head: number;
  map: XMap;
  limit: { label: string; value: number } | null;
  style: CSSProperties;
}) {
  const read = readout(row, Math.min(step, head - 1), 0, false);
  return (
    <div
      data-tooltip
      className="pointer-events-none absolute z-20 rounded border border-line bg-raised/95 px-2.5 py-1.5 text-xs shadow-lg shadow-black/25"
      style={style}
    >
      <p className="font-mono text-2xs text-dim">
        step {formatStep(step)}
        {map.kind !== 'step' && ` · ${map.say(step)}`}
      </p>
      <p>
        {row.label} <b className="ml-2 font-mono font-medium">{read.value}</b>
        {read.asOf !== null && <span className="ml-2 text-2xs text-dim">of step {formatStep(read.asOf)}</span>}
      </p>
      {read.range && <p className="text-2xs text-dim">{read.range}</p>}
      {limit && <p className="text-2xs text-warn">{`${limit.label} ${formatTick(limit.value)}`}</p>}
    </div>
  );
}
