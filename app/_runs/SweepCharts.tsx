import { useQuery } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useMemo, useRef, useState } from 'react';
import { useSize } from '~/app/_charts/useSize';
import { Select } from '~/app/_components/Field';
import { count } from '~/app/_components/format';
import { Explain } from '~/app/_components/Glossary';
import { Panel } from '~/app/_components/Panel';
import { api, describeError } from '~/app/_trpc/client';
import { mostAxes } from '~/shared/runTable';
import { axisOf, type PlotProps } from './sweep/axis';
import { ParallelPlot } from './sweep/ParallelPlot';
import { ScatterPlot } from './sweep/ScatterPlot';
import type { View } from './tableQuery';

/** Least width of an axis with its name and ticks, px; more axes than fit are scrolled to. */
const axisWidth = 88;

/** Charts of settings against results, for the runs that match the view. */
export function SweepCharts({ view, setView }: { view: View; setView(change: (view: View) => View): void }) {
  const router = useRouter();
  const { search, show, sort, descending, group, axes: chosen } = view;
  const query = { search, show, sort, descending, group };
  const { data, error } = useQuery({
    queryKey: ['sweep', query, chosen],
    queryFn: () => api.runs.points.query({ ...query, columns: [...chosen] }),
    refetchInterval: 5_000,
    placeholderData: (before) => before,
  });
  const titles = useMemo(
    () => new Map([...(data?.offered.settings ?? []), ...(data?.offered.results ?? [])].map((c) => [c.key, c.title])),
    [data],
  );
  const axes = useMemo(
    () =>
      (data?.columns ?? []).map((key, i) =>
        axisOf(
          key,
          titles.get(key) ?? key.slice(key.indexOf('.') + 1),
          data!.points.map((p) => p.values[i] ?? null),
        ),
      ),
    [data, titles],
  );
  const [over, setOver] = useState<string | null>(null);
  const open = (runId: string) => router.push(`/runs/${runId}`);
  const problem = error && <p className="p-4 text-bad">The runs could not be read: {describeError(error).message}</p>;
  if (!data && problem) return problem;
  if (!data) return <p className="p-4 text-dim">Reading the runs…</p>;
  if (data.points.length < 2)
    return (
      <p className="p-4 text-dim">
        Charts compare two runs or more; {data.points.length === 0 ? 'none fits' : 'one fits'} the search.
      </p>
    );
  const now = chosen.length > 0 ? chosen : data.columns;
  const toggle = (key: string) => {
    const axes = now.includes(key) ? now.filter((k) => k !== key) : [...now, key];
    setView((v) => ({ ...v, axes }));
  };
  return (
    <div className="min-h-0 flex-1 space-y-2 overflow-y-auto">
      {problem}
      <Panel
        title="Parallel coordinates"
        aside={
          <span className="text-xs text-dim">
            {count(data.points.length)} runs{data.leftOut > 0 && `; ${count(data.leftOut)} more are left out`}
          </span>
        }
      >
        <details className="px-3 py-1 text-xs text-dim">
          <summary className="min-h-6 leading-6 wrap-anywhere">Axes: {axes.map((a) => a.title).join(', ') || 'none'}</summary>
          {now.length >= mostAxes && <p>{mostAxes} axes are the most: leave one out to choose another.</p>}
          {(['settings', 'results'] as const).map((kind) => (
            <fieldset key={kind} className="mb-1 flex min-w-0 flex-wrap gap-x-3">
              <legend className="font-semibold">{kind === 'settings' ? 'Settings that differ' : 'Results'}</legend>
              {data.offered[kind].map((c) => (
                <label key={c.key} className="flex min-h-6 max-w-full items-center gap-1" title={c.key}>
                  <input
                    type="checkbox"
                    className="size-4 shrink-0"
                    checked={now.includes(c.key)}
                    disabled={now.length >= mostAxes && !now.includes(c.key)}
                    onChange={() => toggle(c.key)}
                  />
                  <span className="min-w-0 break-words">{c.title}</span>
                </label>
              ))}
            </fieldset>
          ))}
        </details>
        {axes.length < 2 ? (
          <p className="px-3 py-6 text-dim">No setting has several values among these runs; choose more axes.</p>
        ) : (
          <Sized>
            {(width) => (
              <ParallelPlot
                axes={axes}
                points={data.points}
                width={Math.max(width, axisWidth * axes.length)}
                over={over}
                onOver={setOver}
                onOpen={open}
              />
            )}
          </Sized>
        )}
      </Panel>
      {axes.length > 1 && (
        <Scatter
          axes={axes}
          points={data.points}
          over={over}
          onOver={setOver}
          onOpen={open}
          across={view.across}
          up={view.up}
          onAxes={(to) => setView((v) => ({ ...v, ...to }))}
        />
      )}
    </div>
  );
}

interface ScatterProps extends Omit<PlotProps, 'width'>, Pick<View, 'across' | 'up'> {
  onAxes(to: Partial<Pick<View, 'across' | 'up'>>): void;
}

function Scatter({ axes, points, over, onOver, onOpen, across: xKey, up: yKey, onAxes }: ScatterProps) {
  const x = Math.max(
    0,
    axes.findIndex((a) => a.key === xKey),
  );
  const found = axes.findIndex((a) => a.key === yKey);
  const y = found < 0 ? axes.length - 1 : found;
  const select = (label: string, at: number, set: (key: string) => void) => (
    <label className="inline-flex items-center gap-1">
      {label}
      <Select
        className="w-auto! max-w-48 font-sans"
        options={axes.map((a) => ({ value: a.key, text: a.title }))}
        value={axes[at]!.key}
        onPick={set}
      />
    </label>
  );
  return (
    <Panel
      title="Setting against result"
      aside={
        <span className="flex flex-wrap items-center gap-3 text-xs text-dim">
          {select('across', x, (across) => onAxes({ across }))}
          {select('up', y, (up) => onAxes({ up }))}
          <Explain term="mainMetric" />
        </span>
      }
    >
      <Sized>
        {(width) => (
          <ScatterPlot axes={axes} x={x} y={y} points={points} width={width} over={over} onOver={onOver} onOpen={onOpen} />
        )}
      </Sized>
    </Panel>
  );
}

function Sized({ children }: { children(width: number): React.ReactNode }) {
  const ref = useRef<HTMLDivElement>(null);
  const { width } = useSize(ref);
  return (
    <section
      ref={ref}
      aria-label="Chart"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
      className="w-full overflow-x-auto overflow-y-hidden"
    >
      {width > 0 && children(width)}
    </section>
  );
}
