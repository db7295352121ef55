'use client';

import { memo, type PointerEvent, type ReactNode, useCallback } from 'react';
import { PixelCanvas } from './PixelCanvas';
import { notFinite } from './palettes';
import { pixelOf } from './raster';
import type { ColorScale } from './scale';
import { type HeadId, type Layers, placeOfHead } from './selection';
import { columns, type StepAxis, stepAt } from './stepAxis';
import { headName } from './tokens';

export interface RibbonsProps {
  /** Steps of the snapshots, ascending. */
  steps: Float64Array;
  /** [n, heads of all layers] */
  values: Float64Array;
  layers: Layers;
  shown: readonly HeadId[];
  scale: ColorScale;
  axis: StepAxis;
  label: string;
  /** The head of the large map. */
  active: { layer: number; head: number } | null;
  cursor: ReactNode;
  onJump: (step: number) => void;
  onHoverStep: (step: number | null) => void;
  onPickHead: (head: HeadId) => void;
}

export const ribbonLabelWidth = 34;
/** Height of all strips together, exceeded when there are more heads than half as many pixels. */
const mostHeight = 400;

/** One strip per head over all recorded steps, colored by a signal: shows when a head changes. Click or drag to go to a step. */
export const Ribbons = memo(function Ribbons(props: RibbonsProps) {
  const { steps, values, layers, shown, scale, axis, label, active, cursor, onJump, onHoverStep, onPickHead } = props;
  const plot = axis.width;
  const strip =
    shown.length <= 2 ? 22 : shown.length <= 8 ? 16 : Math.max(2, Math.min(11, Math.floor(mostHeight / shown.length)));
  const gap = strip > 8 ? 2 : strip > 3 ? 1 : 0;
  const height = shown.length * (strip + gap) - gap;

  const draw = useCallback(
    (pixels: Uint32Array) => {
      const at = columns(steps, axis);
      const perStep = values.length / steps.length;
      for (const [row, [layer, head]] of shown.entries()) {
        const place = placeOfHead(layers, layer, head);
        for (let x = 0; x < plot; x++) {
          const n = at[x]!;
          if (n < 0) continue;
          const v = values[n * perStep + place]!;
          // A signal that this snapshot lacks (the first has no drift) is blank; an infinite value has its own color.
          const color = Number.isNaN(v) ? 0 : Number.isFinite(v) ? pixelOf(scale, v) : notFinite;
          for (let y = row * (strip + gap); y < row * (strip + gap) + strip; y++) pixels[y * plot + x] = color;
        }
      }
    },
    [steps, values, layers, shown, scale, axis, plot, strip, gap],
  );

  const stepOf = (event: PointerEvent) => stepAt(axis, event.clientX - event.currentTarget.getBoundingClientRect().left);
  const drag = (event: PointerEvent) => {
    onHoverStep(stepOf(event));
    if (event.buttons & 1) onJump(stepOf(event));
  };
  const roomy = strip + gap >= 11;

  return (
    <div className="relative" style={{ width: plot + ribbonLabelWidth, height }}>
      {shown.map(([layer, head], row) =>
        // With thin strips only the first head of each layer has a label.
        roomy || row === 0 || shown[row - 1]![0] !== layer ? (
          <button
            key={`${layer}.${head}`}
            type="button"
            tabIndex={-1}
            title={`${headName(layer, head)}: show large`}
            onClick={() => onPickHead([layer, head])}
            className={`absolute left-0 overflow-hidden text-left font-mono text-[10px] leading-none ${active?.layer === layer && active.head === head ? 'font-bold text-ink' : 'text-dim'} hover:text-ink`}
            style={{ top: row * (strip + gap), height: Math.max(strip, 10), width: ribbonLabelWidth - 4 }}
          >
            {layer + 1}.{head + 1}
          </button>
        ) : null,
      )}
      <div
        role="img"
        aria-label={`${label} of each head over ${steps.length} recorded steps`}
        className="absolute touch-pan-y cursor-crosshair"
        style={{ left: ribbonLabelWidth, top: 0, width: plot, height }}
        onPointerDown={(e) => {
          e.currentTarget.setPointerCapture(e.pointerId);
          onJump(stepOf(e));
        }}
        onPointerMove={drag}
        onPointerLeave={() => onHoverStep(null)}
        data-testid="ribbons"
      >
        <PixelCanvas width={plot} height={height} draw={draw} />
        {cursor}
      </div>
    </div>
  );
});

/** The page's current step over any plot with a step axis. Separate from the plot, so that moving it draws nothing again. */
export function StepLine({ x, height, faint = false }: { x: number; height: number | string; faint?: boolean }) {
  return (
    <div
      aria-hidden
      className={`pointer-events-none absolute top-0 w-px ${faint ? 'bg-dim' : 'bg-ink outline-1 outline-panel/60'}`}
      style={{ transform: `translateX(${x}px)`, height }}
      data-testid={faint ? undefined : 'step-line'}
    />
  );
}
