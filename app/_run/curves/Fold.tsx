import { ChevronRight } from 'lucide-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { KnownWidth } from '~/app/_charts/ChartFigure';
import { whenNear } from '~/app/_charts/whenNear';
import { usePrinting } from '~/app/_components/paper';
import { chartChoices, useChartChoices } from '~/app/_live/chartSettings';

interface FoldProps {
  name: string;
  /** "12 series" */
  count: string;
  openAtFirst: boolean;
  /** A search unfolds the groups with matches. */
  searching: boolean;
  children: ReactNode;
}

/** A named group of charts, folded until somebody opens it. The page's address records which groups were opened or closed. */
export function Fold({ name, count, openAtFirst, searching, children }: FoldProps) {
  const toggled = useChartChoices((c) => c.open);
  const unfolded = searching || openAtFirst !== toggled.includes(name);
  return (
    <section className="border-t border-line">
      <button
        type="button"
        aria-expanded={unfolded}
        disabled={searching}
        onClick={() =>
          chartChoices.set({ open: toggled.includes(name) ? toggled.filter((g) => g !== name) : [...toggled, name] })
        }
        className="flex w-full items-center gap-1.5 px-3 py-1.5 text-left text-xs text-dim hover:text-ink"
      >
        <ChevronRight aria-hidden size={13} className={unfolded ? 'rotate-90' : ''} />
        {/* Whole, also on a phone: names of groups often differ at their end only. */}
        <span className="min-w-0 break-words font-medium text-ink">{name || 'no group'}</span>
        <span className="shrink-0">{count}</span>
      </button>
      {unfolded && (
        <div className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,18rem),1fr))] gap-x-4 gap-y-3 px-3 pb-3">{children}</div>
      )}
    </section>
  );
}

/** Mounts its children while they are near the visible area, so that a thousand charts cost only what is looked at. */
export function WhenSeen({ height, children }: { height: number; children: ReactNode }) {
  const ref = useRef<HTMLDivElement>(null);
  const printing = usePrinting();
  /** null = not near. */
  const [width, setWidth] = useState<number | null>(null);
  // Mounted at once, so that whenNear can measure how long it takes.
  useEffect(() => whenNear(ref.current!, (near, wide) => flushSync(() => setWidth(near ? wide : null))), []);
  const wide = width ?? (printing ? (ref.current?.clientWidth ?? 0) : null);
  return (
    <div ref={ref} className="min-w-0" style={{ minHeight: height }}>
      {wide !== null && <KnownWidth value={wide}>{children}</KnownWidth>}
    </div>
  );
}
