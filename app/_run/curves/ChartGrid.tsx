import { type ReactNode, useSyncExternalStore } from 'react';

/** A grid of main charts. */
export function ChartGrid({ children }: { children: ReactNode[] }) {
  return (
    <div className="@container p-3" hidden={children.length === 0}>
      <div className={`grid grid-cols-1 gap-x-4 gap-y-3 ${abreast(children.length)}`}>{children}</div>
    </div>
  );
}

/** Number of charts per row, chosen so that rows are full: never three and one. */
function abreast(charts: number): string {
  if (charts <= 1) return '';
  // On a tall screen two rows of two fill the space that one row of four would leave empty.
  if (charts % 4 === 0) return '@2xl:grid-cols-2 [@media(max-height:1199px)]:@7xl:grid-cols-4';
  return charts % 3 === 0 ? '@2xl:grid-cols-2 @5xl:grid-cols-3' : '@2xl:grid-cols-2';
}

/** Height of a main chart in CSS pixels, chosen so that two rows and their surroundings fill a tall window. */
export function useChartHeight(): number {
  const read = () => Math.round(Math.min(720, Math.max(220, 0.27 * window.innerHeight)));
  return useSyncExternalStore(onResize, read, () => 220);
}

function onResize(changed: () => void): () => void {
  window.addEventListener('resize', changed);
  return () => window.removeEventListener('resize', changed);
}
