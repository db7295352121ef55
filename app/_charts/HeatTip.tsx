import type { ComponentProps } from 'react';
import { formatStep, formatTick } from './format';
import { readout } from './readout';
import { TipBox } from './TipBox';
import type { LineSpec } from './types';
import type { XMap } from './xMap';

interface HeatTipProps extends Omit<ComponentProps<typeof TipBox>, 'children'> {
  step: number;
  row: LineSpec;
  /** Number of steps done. */
  head: number;
  map: XMap;
  limit: { label: string; value: number } | null;
}

/** The exact value of one series at the step under the pointer. */
export function HeatTip({ step, row, head, map, limit, ...box }: HeatTipProps) {
  const read = readout(row, Math.min(step, head - 1), 0, false);
  return (
    <TipBox {...box}>
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
    </TipBox>
  );
}
