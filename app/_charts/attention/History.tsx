'use client';

import { memo, type PointerEvent, type ReactNode, useCallback } from 'react';
import { PixelCanvas } from './PixelCanvas';
import { notFinite } from './palettes';
import { ribbonLabelWidth } from './Ribbons';
import { pixelOf } from './raster';
import type { ColorScale } from './scale';
import { columns, type StepAxis, stepAt } from './stepAxis';

export interface RowHistory {
  /** Steps whose maps are loaded, ascending. */
  steps: Float64Array;
  /** [n, keys]: one query's weights at each of these steps. */
  rows: Float32Array;
  keys: number;
  /** Number of recorded snapshots of the run, loaded or not. */
  recorded: number;
}

interface HistoryProps {
  history: RowHistory;
  /** The key whose line is drawn above; null = the whole row only. */
  activeKey: number | null;
  tokenText: (key: number) => string;
  scale: ColorScale;
  axis: StepAxis;
  label: string;
  cursor: ReactNode;
  onJump: (step: number) => void;
  onKey: (key: number) => void;
}

/** One query's weights over the whole run: keys down, steps across. */
export const History = memo(function History({
  history,
  activeKey,
  tokenText,
  scale,
  axis,
  label,
  cursor,
  onJump,
  onKey,
}: HistoryProps) {
  const { steps, rows, keys } = history;
  const strip = keys <= 12 ? 10 : keys <= 24 ? 8 : keys <= 64 ? 4 : 2;
  const height = strip * keys;

  const draw = useCallback(
    (pixels: Uint32Array) => {
      const at = columns(steps, axis);
      for (let x = 0; x < axis.width; x++) {
        const n = at[x]!;
        if (n < 0) continue;
        for (let k = 0; k < keys; k++) {
          const v = rows[n * keys + k]!;
          pixels[k * axis.width + x] = Number.isFinite(v) ? pixelOf(scale, v) : notFinite;
        }
      }
    },
    [steps, rows, keys, scale, axis],
  );

  const keyAt = (event: PointerEvent) => {
    const y = event.clientY - event.currentTarget.getBoundingClientRect().top;
    return Math.max(0, Math.min(keys - 1, Math.floor(y / strip)));
  };
  const stepOf = (event: PointerEvent) => stepAt(axis, event.clientX - event.currentTarget.getBoundingClientRect().left);
  const every = Math.ceil(9 / strip);
  return (
    <div className="relative" style={{ width: axis.width + ribbonLabelWidth, height }}>
      {Array.from({ length: keys }, (_, k) =>
        k % every === 0 || k === activeKey ? (
          <span
            key={k}
            aria-hidden
            className={`absolute right-auto text-right font-mono text-[9px] leading-none ${k === activeKey ? 'font-bold text-ink' : 'text-dim'}`}
            style={{ top: k * strip, width: ribbonLabelWidth - 5, lineHeight: `${strip}px` }}
          >
            {tokenText(k)}
          </span>
        ) : null,
      )}
      <div
        role="img"
        aria-label={`${label} over ${steps.length} of ${history.recorded} recorded steps`}
        className="absolute touch-pan-y cursor-crosshair"
        style={{ left: ribbonLabelWidth, width: axis.width, height }}
        onPointerDown={(e) => {
          e.currentTarget.setPointerCapture(e.pointerId);
          onJump(stepOf(e));
          onKey(keyAt(e));
        }}
        onPointerMove={(e) => e.buttons & 1 && onJump(stepOf(e))}
      >
        <PixelCanvas width={axis.width} height={keys} draw={draw} />
        {activeKey !== null && (
          <div
            className="pointer-events-none absolute inset-x-0 border-y border-white outline-1 outline-black/70"
            style={{ top: activeKey * strip, height: strip }}
          />
        )}
        {cursor}
      </div>
    </div>
  );
});
