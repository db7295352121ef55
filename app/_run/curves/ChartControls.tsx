'use client';

import { Plus, Search } from 'lucide-react';
import { nanoid } from 'nanoid';
import { useId, useMemo, useState } from 'react';
import { formatStep } from '~/app/_charts/format';
import { MarkGlyph } from '~/app/_charts/MarkGlyph';
import { usePalette } from '~/app/_charts/palette';
import { type Color, colorOf, type MarkKind } from '~/app/_charts/types';
import { canBeLog } from '~/app/_charts/xMap';
import { Button } from '~/app/_components/Button';
import { Explain } from '~/app/_components/Glossary';
import { Popup } from '~/app/_components/Popup';
import { type ChartPlan, withChart } from '~/app/_live/chartPlan';
import {
  chartChoices,
  kindOf,
  seriesChoice,
  smoothingFor,
  smoothingWeight,
  smoothStops,
  useChartChoices,
  type XChoice,
} from '~/app/_live/chartSettings';
import { useCursor } from '~/app/_live/cursor';
import { rowsSoFar } from '~/app/_live/runHistory';
import { useSeries } from '~/app/_live/series';
import { useView } from '~/app/_live/useRun';
import { EditChart } from './EditChart';
import { matcher } from './seriesSearch';

/** Choices for the x axis: steps, the run's series that are declared for it, epochs where their length is known, and time. */
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
  const id = useId();
  const smoothed = useCursor(() => smoothingFor(c, rowsSoFar()));
  const stop = smoothStops.findLastIndex((s) => s <= smoothed);
  const { error } = matcher(c.search);
  const xChoices = useXChoices();
  const x = xChoices.some((o) => o.x === c.x) ? c.x : 'step';
  const logX = canBeLog(kindOf(x));
  return (
    <div className="flex items-center gap-x-3 gap-y-1 text-xs text-dim min-[900px]:flex-wrap">
      <label
        className="flex items-center gap-1.5"
        title={`Debiased moving average over about this many rows of a series, each counted once whatever lies between their steps (weight ${smoothingWeight(smoothed).toPrecision(3)}); of every raw value, whatever the zoom; the raw curve stays visible behind it.`}
      >
        Smooth
        <input
          type="range"
          min={0}
          max={smoothStops.length - 1}
          value={stop}
          aria-valuetext={smoothed === 0 ? 'off' : `${smoothed} rows`}
          onChange={(e) => chartChoices.set({ smoothSteps: smoothStops[Number(e.target.value)]! })}
          className="w-20 accent-accent"
        />
        <output className="w-18 font-mono text-2xs text-ink">{smoothed === 0 ? 'off' : `${formatStep(smoothed)} rows`}</output>
      </label>
      <Explain term="smoothing" className="-ml-3" />
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
        label="Ignore outliers"
        title="Leave the outermost 1 % of values out of the y range; what lies beyond is marked at the edge"
        onChange={(robust) => chartChoices.set({ robust })}
      />
      <Explain term="ignoreOutliers" className="-ml-3" />
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
      <MarksLegend />
      <AddChart />
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

const markWords: readonly [MarkKind, Color, string][] = [
  ['command', 'accent', 'a value was changed, or an action taken'],
  ['refused', 'dim', 'a command was refused'],
  ['evaluation', 0, 'an evaluation, in the color of its set'],
  ['checkpoint', 'dim', 'a checkpoint'],
  ['snapshot', 'accent', 'a snapshot that somebody asked for'],
  ['note', 'accent', 'a note'],
  ['status', 'warn', 'paused, resumed, ended'],
  ['alert', 'bad', 'an alert'],
];

/** Explains the marks above the charts and in the timeline. */
function MarksLegend() {
  const palette = usePalette();
  return (
    <Popup title="Marks" className="hover:text-ink" trigger="Marks">
      <ul className="space-y-1">
        {markWords.map(([kind, color, words]) => (
          <li key={kind} className="flex items-center gap-2">
            <svg width={14} height={14} viewBox="-7 -7 14 14" aria-hidden>
              <MarkGlyph kind={kind} color={colorOf(palette, color)} />
            </svg>
            {words}
          </li>
        ))}
      </ul>
      <p className="mt-2 text-dim">A ring around a mark: several stand there. Point at it, or press it in the timeline.</p>
    </Popup>
  );
}

/** Adds a custom chart, or restores removed ones. */
function AddChart() {
  const plan = useChartChoices((c) => c.plan);
  const [open, setOpen] = useState(false);
  const put = (next: ChartPlan) => chartChoices.set({ plan: next });
  return (
    <>
      <Button size="small" onClick={() => setOpen(true)}>
        <Plus aria-hidden size={12} /> Chart
      </Button>
      {plan.hidden.length > 0 && (
        <Button size="small" look="bare" onClick={() => put({ ...plan, hidden: [] })}>
          Bring back {plan.hidden.length}
        </Button>
      )}
      {open && (
        <EditChart
          chart={{ id: `own ${nanoid(6)}`, title: '', series: [], range: [null, null] }}
          onSave={(chart) => {
            put(withChart(plan, chart));
            setOpen(false);
          }}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}
