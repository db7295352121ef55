'use client';

import { AxisLeft } from '@visx/axis';
import { scaleLinear } from '@visx/scale';
import { memo, type PointerEvent, type ReactNode, useLayoutEffect, useRef } from 'react';
import { ribbonLabelWidth } from './Ribbons';
import { short } from './scale';
import { type StepAxis, stepAt, xOf } from './stepAxis';

export interface SignalLine {
  name: string;
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
  axis: StepAxis;
  height: number;
  /** null = computed from the finite values in view. */
  domain: readonly [number, number] | null;
  cursor: ReactNode;
  onJump: (step: number) => void;
  onHoverStep: (step: number | null) => void;
}

/** Values over recorded steps, on the same step axis as the ribbons below them. */
export const SignalLines = memo(function SignalLines({
  title,
  lines,
  chance,
  axis,
  height,
  domain,
  cursor,
  onJump,
  onHoverStep,
}: SignalLinesProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [low, high] = domain ?? extent(lines, axis, chance?.value ?? null);
  const y = scaleLinear<number>({ domain: [low, high], range: [height - 3, 3] });
  const chanceY = chance ? y(chance.value) : null;

  useLayoutEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (!element || !context) return;
    const ratio = window.devicePixelRatio || 1;
    element.width = Math.round(axis.width * ratio);
    element.height = Math.round(height * ratio);
    context.scale(ratio, ratio);
    const style = getComputedStyle(element);
    const yOf = (v: number) => 3 + ((high - v) / (high - low)) * (height - 6);
    for (const line of [...lines].sort((a, b) => Number(a.strong) - Number(b.strong))) {
      context.strokeStyle = style.getPropertyValue(line.strong ? '--color-ink' : '--color-dim');
      context.globalAlpha = line.strong ? 1 : 0.45;
      context.lineWidth = line.strong ? 1.75 : 1;
      context.beginPath();
      let pen = false;
      for (let n = 0; n < line.steps.length; n++) {
        const v = line.values[n]!;
        if (!Number.isFinite(v)) {
          pen = false;
          continue;
        }
        const [px, py] = [xOf(axis, line.steps[n]!), yOf(v)];
        if (pen) context.lineTo(px, py);
        else context.moveTo(px, py);
        pen = true;
      }
      context.stroke();
    }
  }, [lines, axis, height, low, high]);

  const stepOf = (event: PointerEvent) => stepAt(axis, event.clientX - event.currentTarget.getBoundingClientRect().left);
  return (
    <div className="relative" style={{ width: axis.width + ribbonLabelWidth, height }}>
      <svg width={ribbonLabelWidth} height={height} className="absolute inset-0 overflow-visible" aria-hidden>
        <AxisLeft
          left={ribbonLabelWidth}
          scale={y}
          numTicks={3}
          tickLength={3}
          stroke="var(--color-line)"
          tickStroke="var(--color-line)"
          tickFormat={(v) => short(Number(v))}
          tickComponent={({ x, y: top, formattedValue }) => (
            <text x={x} y={top} dy="0.3em" textAnchor="end" className="fill-dim text-[9px]">
              {formattedValue}
            </text>
          )}
        />
      </svg>
      <div
        role="img"
        aria-label={`${title} over steps${chance ? `; ${chance.label} ${short(chance.value)}` : ''}`}
        className="absolute touch-pan-y cursor-crosshair overflow-hidden"
        style={{ left: ribbonLabelWidth, width: axis.width, height }}
        onPointerDown={(e) => {
          e.currentTarget.setPointerCapture(e.pointerId);
          onJump(stepOf(e));
        }}
        onPointerMove={(e) => {
          onHoverStep(stepOf(e));
          if (e.buttons & 1) onJump(stepOf(e));
        }}
        onPointerLeave={() => onHoverStep(null)}
      >
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
        {cursor}
      </div>
    </div>
  );
});

function extent(lines: readonly SignalLine[], axis: StepAxis, also: number | null): [number, number] {
  let low = also ?? Number.POSITIVE_INFINITY;
  let high = also ?? Number.NEGATIVE_INFINITY;
  for (const line of lines)
    for (let n = 0; n < line.steps.length; n++) {
      const v = line.values[n]!;
      if (!Number.isFinite(v) || line.steps[n]! < axis.first || line.steps[n]! > axis.last) continue;
      if (v < low) low = v;
      if (v > high) high = v;
    }
  if (low > high) return [0, 1];
  const room = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
  return [low - room, high + room];
}
