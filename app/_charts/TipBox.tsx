import type { CSSProperties, ReactNode } from 'react';

interface TipBoxProps {
  /** Pixel of the plot that the box describes. */
  px: number;
  /** Width of the plot, and of the margins beside it. */
  plot: { left: number; width: number; right: number };
  /** Its vertical position. */
  style: CSSProperties;
  children: ReactNode;
}

/** Pixels between the point and the box. */
const gap = 12;

/** A description beside a point of a plot, on the side with more room; it does not leave the chart. None for a point that a new range leaves out. */
export function TipBox({ px, plot: { left, width, right }, style, children }: TipBoxProps) {
  if (px < -1 || px > width + 1) return null;
  const [at, whole] = [left + px, left + width + right];
  // 100% of a translation is the width of the box itself.
  const beside =
    px > width / 2
      ? { left: at - gap, translate: `max(-100%, ${gap - at}px)` }
      : { left: at + gap, translate: `min(0px, ${whole - at - gap}px - 100%)` };
  return (
    <div
      data-tooltip
      className="pointer-events-none absolute z-20 w-max rounded border border-line bg-raised/95 px-2.5 py-1.5 text-xs shadow-lg shadow-black/25 backdrop-blur-sm"
      style={{ ...beside, maxWidth: `min(28rem, ${whole}px)`, ...style }}
    >
      {children}
    </div>
  );
}
