import { memo, type PointerEvent, type ReactNode, useCallback } from 'react';
import { EdgeLabel } from './EdgeLabel';
import { PixelCanvas } from './PixelCanvas';
import { placeIn } from './pointing';
import { pixelOf } from './raster';
import type { ColorScale } from './scale';
import { columns, type StepAxis, stepAt } from './stepAxis';

/** What all plots over the recorded steps share. */
export interface Steps {
  axis: StepAxis;
  /** The page's current step, drawn over each plot. */
  cursor: ReactNode;
  onJump: (step: number) => void;
  onHoverStep: (step: number | null) => void;
}

/** Space for labels left of the plot, in CSS pixels. */
export const stepLabelWidth = 34;

interface StepPlotProps {
  steps: Steps;
  height: number;
  /** For screen readers. */
  label: string;
  /** Labels or an axis, in the space at the left. */
  left: ReactNode;
  children: ReactNode;
  /** Called with the height above the pointer when it is pressed. */
  onPress?: (y: number) => void;
  testId?: string;
}

/** A plot with steps across: click or drag to go to a step. */
export function StepPlot({ steps, height, label, left, children, onPress, testId }: StepPlotProps) {
  const { axis, cursor, onJump, onHoverStep } = steps;
  const stepOf = (event: PointerEvent) => stepAt(axis, placeIn(event)[0]);
  return (
    <div className="relative" style={{ width: axis.width + stepLabelWidth, height }}>
      {left}
      <div
        role="img"
        aria-label={label}
        className="absolute top-0 touch-pan-y cursor-crosshair overflow-hidden"
        style={{ left: stepLabelWidth, width: axis.width, height }}
        onPointerDown={(e) => {
          e.currentTarget.setPointerCapture(e.pointerId);
          onJump(stepOf(e));
          onPress?.(placeIn(e)[1]);
        }}
        onPointerMove={(e) => {
          const step = stepOf(e);
          onHoverStep(step);
          if (e.buttons & 1) onJump(step);
        }}
        onPointerLeave={() => onHoverStep(null)}
        data-testid={testId}
      >
        {children}
        {cursor}
      </div>
    </div>
  );
}

export interface Strip {
  /** null = there is no room for it. */
  label: string | null;
  title?: string;
  /** In bold. */
  on: boolean;
}

interface StripsProps extends Pick<StepPlotProps, 'steps' | 'label' | 'testId'> {
  /** Steps of the snapshots, ascending. */
  at: Float64Array;
  strips: readonly Strip[];
  /** Height of a strip and the space below it, in CSS pixels. */
  strip: number;
  gap: number;
  /** Value of a strip at snapshot n; null = blank. A new function draws a new picture. */
  valueAt: (strip: number, n: number) => number | null;
  scale: ColorScale;
  /** Makes buttons of the labels. */
  onPick?: (strip: number) => void;
  onPress?: (strip: number) => void;
  /** The strip with a frame around it. */
  framed?: number | null;
}

/** One colored strip per head or key over all recorded steps: shows when it changes. */
export const Strips = memo(function Strips(props: StripsProps) {
  const { steps, label, testId, at, strips, strip, gap, valueAt, scale, onPick, onPress, framed = null } = props;
  const { axis } = steps;
  const { width } = axis;
  const pitch = strip + gap;
  const height = strips.length * pitch - gap;
  const count = strips.length;
  const draw = useCallback(
    (pixels: Uint32Array) => {
      const snapshots = columns(at, axis);
      for (let row = 0; row < count; row++)
        for (let x = 0; x < width; x++) {
          const n = snapshots[x]!;
          const value = n < 0 ? null : valueAt(row, n);
          if (value === null) continue;
          const color = pixelOf(scale, value);
          for (let y = row * pitch; y < row * pitch + strip; y++) pixels[y * width + x] = color;
        }
    },
    [at, axis, count, width, pitch, strip, valueAt, scale],
  );
  const labels = strips.map(({ label: text, title, on }, row) => {
    if (text === null) return null;
    const style = {
      top: row * pitch,
      height: Math.max(strip, 10),
      width: stepLabelWidth - 4,
      lineHeight: `${Math.max(strip, 10)}px`,
    };
    const look = `${on ? 'font-bold text-ink' : 'text-dim'} ${onPick ? 'text-left' : 'text-right'}`;
    return (
      <EdgeLabel
        key={row}
        title={title}
        onPick={onPick && (() => onPick(row))}
        className={`absolute left-0 font-mono whitespace-nowrap text-[10px] ${look}`}
        style={style}
      >
        {text}
      </EdgeLabel>
    );
  });
  return (
    <StepPlot
      steps={steps}
      height={height}
      label={label}
      left={labels}
      onPress={onPress && ((y) => onPress(Math.max(0, Math.min(count - 1, Math.floor(y / pitch)))))}
      testId={testId}
    >
      <PixelCanvas width={width} height={height} draw={draw} />
      {framed !== null && (
        <div
          className="pointer-events-none absolute inset-x-0 border-y border-white outline-1 outline-black/70"
          style={{ top: framed * pitch, height: strip }}
        />
      )}
    </StepPlot>
  );
});
