'use client';

import { Search, ZoomOut } from 'lucide-react';
import { useId, useMemo } from 'react';
import { formatStep } from '~/app/_charts/format';
import { canBeLog } from '~/app/_charts/xMap';
import { Button } from '~/app/_components/Button';
import {
  chartChoices,
  kindOf,
  seriesChoice,
  smoothingWeight,
  smoothStops,
  useChartChoices,
  type XChoice,
} from '~/app/_live/chartSettings';
import { setCursor, useCursor } from '~/app/_live/cursor';
import { useSeries } from '~/app/_live/series';
import { useView } from '~/app/_live/useRun';
import { matcher } from './seriesSearch';

/** What the x axis can show: the steps, the run's own series that say so, epochs where their length is known, and time. */
function useXChoices(): readonly { x: XChoice; words: string }[] {
  const series = useSeries();
  const epochs = useView((v) => v.stepsPerEpoch > 0, false);
  return useMemo(() => {
    const own = series.filter((s) => s.x);
    return [
      { x: 'step', words: 'step' },
      ...own.map((s) => ({ x: seriesChoice(s.name), words: s.name })),
      ...(epochs && !own.some((s) => s.role === 'epoch') ? [{ x: 'epoch', words: 'epoch' } as const] : []),
      { x: 'relative', words: 'time since start' },
      { x: 'wall', words: 'wall time' },
    ];
  }, [series, epochs]);
}

/** Smoothing, axes, zoom and search for all charts of the page. */
export function ChartControls() {
  const c = useChartChoices((all) => all);
  const zoom = useCursor((s) => s.zoom);
  const id = useId();
  const stop = smoothStops.findLastIndex((s) => s <= c.smoothSteps);
  const { error } = matcher(c.search);
  const xChoices = useXChoices();
  const x = xChoices.some((o) => o.x === c.x) ? c.x : 'step';
  const logX = canBeLog(kindOf(x));
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-dim">
      {zoom && (
        <Button size="small" onClick={() => setCursor.zoom(null)} title="Show all steps (double-click a chart)">
          <ZoomOut aria-hidden size={12} /> {formatStep(zoom[0])}–{formatStep(zoom[1])}
        </Button>
      )}
      <label
        className="flex items-center gap-1.5"
        title={`Debiased moving average over about this many rows of a series, each counted once whatever lies between their steps (weight ${smoothingWeight(c.smoothSteps).toPrecision(3)}); of every raw value, whatever the zoom; the raw curve stays visible behind it.`}
      >
        Smooth
        <input
          type="range"
          min={0}
          max={smoothStops.length - 1}
          value={stop}
          aria-valuetext={c.smoothSteps === 0 ? 'off' : `${c.smoothSteps} rows`}
          onChange={(e) => chartChoices.set({ smoothSteps: smoothStops[Number(e.target.value)]! })}
          className="w-20 accent-accent"
        />
        <output className="w-18 font-mono text-2xs text-ink">
          {c.smoothSteps === 0 ? 'off' : `${formatStep(c.smoothSteps)} rows`}
        </output>
      </label>
      <Toggle on={c.log} label="Log y" title="Logarithmic y axis" onChange={(log) => chartChoices.set({ log })} />
      <Toggle
        on={c.logX && logX}
        label="Log x"
        title={
          logX
            ? 'Logarithmic x axis: the first steps get as much room as the rest'
            : 'A clock time has no logarithm: choose another x'
        }
        disabled={!logX}
        onChange={(logX) => chartChoices.set({ logX })}
      />
      <Toggle
        on={c.robust}
        label="Fit bulk"
        title="Leave the outermost 1 % of values out of the y range; what lies beyond is marked at the edge"
        onChange={(robust) => chartChoices.set({ robust })}
      />
      <label className="flex items-center gap-1.5">
        x
        <select
          value={x}
          onChange={(e) => chartChoices.set({ x: e.target.value as XChoice })}
          className="h-6 max-w-36 rounded border border-line bg-raised px-1 text-ink"
        >
          {xChoices.map((o) => (
            <option key={o.x} value={o.x}>
              {o.words}
            </option>
          ))}
        </select>
      </label>
      <label className="relative flex items-center">
        <Search aria-hidden size={12} className="absolute left-1.5" />
        <input
          type="search"
          value={c.search}
          placeholder="series, regex"
          aria-label="Search series by name, label or group (regular expression)"
          aria-invalid={error !== null}
          aria-describedby={error ? `${id}error` : undefined}
          onChange={(e) => chartChoices.set({ search: e.target.value })}
          className={`h-6 w-32 rounded border bg-raised pr-1 pl-6 text-ink placeholder:text-dim ${error ? 'border-warn' : 'border-line'}`}
        />
        {error && (
          <span id={`${id}error`} role="status" className="ml-1.5 text-2xs text-warn">
            {error}
          </span>
        )}
      </label>
    </div>
  );
}

function Toggle(props: { on: boolean; label: string; title: string; disabled?: boolean; onChange(on: boolean): void }) {
  return (
    <button
      type="button"
      aria-pressed={props.on}
      title={props.title}
      disabled={props.disabled}
      onClick={() => props.onChange(!props.on)}
      className={`h-6 rounded border px-1.5 whitespace-nowrap disabled:opacity-50 ${props.on ? 'border-accent bg-accent/15 text-ink' : 'border-line hover:text-ink'}`}
    >
      {props.label}
    </button>
  );
}
