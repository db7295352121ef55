'use client';

import { ChevronRight } from 'lucide-react';
import { memo, useEffect, useMemo, useRef, useState } from 'react';
import { LineChart } from '~/app/_charts/LineChart';
import { chartChoices, useChartChoices } from '~/app/_live/chartSettings';
import { useWanted } from '~/app/_live/useHistory';
import { useView } from '~/app/_live/useRun';
import { useChartNotes } from '~/app/_run/notes/useChartNotes';
import type { Series } from '~/shared/events';
import { lineOf, parameterLabel } from './chartLines';
import { mainSeries } from './mainCharts';
import { useCharts, useNotice } from './useCharts';

const none: readonly Series[] = [];

/** The series that have no chart of their own above, folded by group; a search unfolds what it finds. */
export function SeriesGroups({ test, searching }: { test(name: string): boolean; searching: boolean }) {
  const series = useView((v) => v.series, none as Series[]);
  const open = useChartChoices((c) => c.open);
  const groups = useMemo(() => {
    const out = new Map<string, Series[]>();
    for (const s of series) if (!mainSeries.has(s.name) && test(s.name)) out.set(s.group, [...(out.get(s.group) ?? []), s]);
    return [...out];
  }, [series, test]);
  if (searching && groups.length === 0 && series.length > 0 && !series.some((s) => test(s.name)))
    return <p className="px-3 pb-3 text-dim">No series of this run matches.</p>;
  return groups.map(([group, members]) => {
    const unfolded = searching || open.includes(group);
    return (
      <section key={group} className="border-t border-line">
        <button
          type="button"
          aria-expanded={unfolded}
          disabled={searching}
          onClick={() => chartChoices.set({ open: unfolded ? open.filter((g) => g !== group) : [...open, group] })}
          className="flex w-full items-center gap-1.5 px-3 py-1.5 text-left text-xs text-dim hover:text-ink"
        >
          <ChevronRight aria-hidden size={13} className={unfolded ? 'rotate-90' : ''} />
          <span className="font-medium text-ink">{group || 'other'}</span>
          {members.length} series
        </button>
        {unfolded && (
          <div className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,18rem),1fr))] gap-x-4 gap-y-3 px-3 pb-3">
            {members.map((s, i) => (
              <WhenSeen key={s.name} height={192}>
                <One series={s} color={i} />
              </WhenSeen>
            ))}
          </div>
        )}
      </section>
    );
  });
}

const One = memo(function One({ series, color }: { series: Series; color: number }) {
  const { history, chart } = useCharts();
  const names = useMemo(() => [series.name], [series.name]);
  useWanted(history, names, true);
  const notice = useNotice(history, names);
  const notes = useChartNotes();
  const lines = useMemo(
    () => [lineOf(history, series.name, { label: series.unit || 'value', color, smoothed: true })],
    [history, series, color],
  );
  return (
    <LineChart
      {...chart}
      title={parameterLabel(series.name.replace(/^gradNorm\//, ''))}
      lines={lines}
      notice={notice}
      height={160}
      {...notes}
    />
  );
});

/** Mounts its children once they come near the window: a thousand charts cost what is looked at. */
function WhenSeen({ height, children }: { height: number; children: React.ReactNode }) {
  const ref = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => setSeen(entry!.isIntersecting), { rootMargin: '300px' });
    observer.observe(ref.current!);
    return () => observer.disconnect();
  }, []);
  return (
    <div ref={ref} className="min-w-0" style={{ minHeight: height }}>
      {seen && children}
    </div>
  );
}
