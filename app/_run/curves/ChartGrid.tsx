import { type ReactNode, useSyncExternalStore } from 'react';

/** A grid of main charts. */
export function ChartGrid({ children }: { children: ReactNode[] }) {
  return (
    <div className="@container p-3" hidden={children.length === 0}>
      <div className={`grid grid-cols-1 gap-x-4 gap-y-3 ${abreast(children.length)}`}>{children}</div>
    </div>
  );
}

/** Number of charts per row, chosen so that rows are full and charts wide: never three and one, and two rows of two before one of four. */
function abreast(charts: number): string {
  if (charts <= 1) return '';
  if (charts === 3) return '@2xl:grid-cols-2 @5xl:grid-cols-3';
  if (charts <= 4) return '@2xl:grid-cols-2';
  return charts % 4 === 0 ? '@2xl:grid-cols-2 @7xl:grid-cols-4' : '@2xl:grid-cols-2 @7xl:grid-cols-3';
}

/** Height of a main chart in CSS pixels, chosen so that two rows and their surroundings fill a tall window. */
export function useChartHeight(): number {
  // What header, toolbar, titles, folded groups and timeline leave of the window, for each of two rows.
  const read = () => Math.round(Math.min(900, Math.max(220, (window.innerHeight - 460) / 2)));
  return useSyncExternalStore(onResize, read, () => 220);
}

function onResize(changed: () => void): () => void {
  window.addEventListener('resize', changed);
  return () => window.removeEventListener('resize', changed);
}
