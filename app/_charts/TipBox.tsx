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

/** A description beside a point of a plot, on the side with more room. */
export function TipBox({ px, plot: { left, width, right }, style, children }: TipBoxProps) {
  const beside = px > width / 2 ? { right: right + width - px + 12 } : { left: left + px + 12 };
  return (
    <div
      data-tooltip
      className="pointer-events-none absolute z-20 w-max max-w-md rounded border border-line bg-raised/95 px-2.5 py-1.5 text-xs shadow-lg shadow-black/25 backdrop-blur-sm"
      style={{ ...beside, ...style }}
    >
      {children}
    </div>
  );
}
