import { AxisLeft } from '@visx/axis';
import { scaleLinear } from '@visx/scale';
import { line as path } from '@visx/shape';
import { memo, useLayoutEffect, useRef } from 'react';
import { settle } from '~/app/_charts/domains';
import { usePalette } from '~/app/_charts/palette';
import { clearedPen } from '~/app/_charts/useDrawing';
import { StepPlot, type Steps, stepLabelWidth } from './StepPlot';
import { short } from './scale';
import { padded } from './scatter';
import { xOf } from './stepAxis';

export interface SignalLine {
  steps: ArrayLike<number>;
  /** NaN = a gap. */
  values: ArrayLike<number>;
  strong: boolean;
}

interface SignalLinesProps {
  title: string;
  lines: readonly SignalLine[];
  /** The value for a guess or a uniform map. */
  chance: { value: number; label: string } | null;
  steps: Steps;
  height: number;
  /** null = computed from the finite values in view. */
  domain: readonly [number, number] | null;
}

/** Values over recorded steps, on the same step axis as the strips below them. */
export const SignalLines = memo(function SignalLines({ title, lines, chance, steps, height, domain }: SignalLinesProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { ink, dim } = usePalette();
  const { axis } = steps;
  const shown = useRef<[number, number] | null>(null);
  const [low, high] = domain ?? settle(shown.current, extent(lines, steps, chance?.value), false);
  const chanceY = chance ? scaleOf(low, high, height)(chance.value) : null;
  useLayoutEffect(() => {
    shown.current = [low, high];
  }, [low, high]);

  useLayoutEffect(() => {
    const context = clearedPen(canvas.current, axis.width, height)?.pen;
    if (!context) return;
    const y = scaleOf(low, high, height);
    for (const { steps: at, values, strong } of [...lines].sort((a, b) => Number(a.strong) - Number(b.strong))) {
      context.strokeStyle = strong ? ink : dim;
      context.globalAlpha = strong ? 1 : 0.45;
      context.lineWidth = strong ? 1.75 : 1;
      context.beginPath();
      const draw = path<number>({
        x: (_, n) => xOf(axis, at[n]!),
        y: (v) => y(v),
        defined: Number.isFinite,
      });
      draw.context(context)(Array.from(values));
      context.stroke();
    }
  }, [lines, axis, height, low, high, ink, dim]);

  const label = `${title} over steps${chance ? `; ${chance.label} ${short(chance.value)}` : ''}`;
  return (
    <StepPlot steps={steps} height={height} label={label} left={<ValueAxis low={low} high={high} height={height} />}>
      <canvas ref={canvas} className="absolute inset-0" style={{ width: axis.width, height }} aria-hidden />
      {chance && chanceY !== null && (
        <div className="pointer-events-none absolute inset-x-0 border-t border-dashed border-warn" style={{ top: chanceY }}>
          <span
            className={`absolute right-1 ${chanceY < 14 ? 'top-0.5' : 'bottom-0'} bg-panel px-0.5 text-[9px] leading-3 text-warn`}
          >
            {chance.label} {short(chance.value)}
          </span>
        </div>
      )}
      <span className="pointer-events-none absolute top-0 left-1 bg-panel px-0.5 text-[10px] leading-3 text-dim">{title}</span>
    </StepPlot>
  );
});

const scaleOf = (low: number, high: number, height: number) =>
  scaleLinear<number>({ domain: [low, high], range: [height - 3, 3] });

const ValueAxis = memo(function ValueAxis({ low, high, height }: { low: number; high: number; height: number }) {
  return (
    <svg width={stepLabelWidth} height={height} className="absolute inset-0 overflow-visible" aria-hidden>
      <AxisLeft
        left={stepLabelWidth}
        scale={scaleOf(low, high, height)}
        numTicks={3}
        tickLength={3}
        stroke="var(--color-line)"
        tickStroke="var(--color-line)"
        tickFormat={(v) => short(Number(v))}
        tickComponent={({ x, y, formattedValue }) => (
          <text x={x} y={y} dy="0.3em" textAnchor="end" className="fill-dim text-[9px]">
            {formattedValue}
          </text>
        )}
      />
    </svg>
  );
});

/** Ends of the axis that contain the values in view and one more. */
function extent(lines: readonly SignalLine[], { axis }: Steps, also: number | undefined): [number, number] {
  let [low, high] = [also ?? Number.POSITIVE_INFINITY, also ?? Number.NEGATIVE_INFINITY];
  for (const { steps, values } of lines)
    for (let n = 0; n < steps.length; n++) {
      const v = values[n]!;
      if (!Number.isFinite(v) || steps[n]! < axis.first || steps[n]! > axis.last) continue;
      low = Math.min(low, v);
      high = Math.max(high, v);
    }
  return padded(low, high, 0.06);
}
