import { Plus, Search } from 'lucide-react';
import { nanoid } from 'nanoid';
import { type ReactNode, useId, useMemo } from 'react';
import { formatStep } from '~/app/_charts/format';
import { MarkGlyph } from '~/app/_charts/MarkGlyph';
import { usePalette } from '~/app/_charts/palette';
import { type Color, colorOf, type MarkKind } from '~/app/_charts/types';
import { canBeLog } from '~/app/_charts/xMap';
import { Button } from '~/app/_components/Button';
import { Select } from '~/app/_components/Field';
import { Explain } from '~/app/_components/Glossary';
import { Popup } from '~/app/_components/Popup';
import type { ChartPlan } from '~/app/_live/chartPlan';
import {
  type ChartChoices,
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
import { chartEditor } from './EditChart';
import { matcher } from './seriesSearch';

/** Choices for the x axis: steps, the run's series that are declared for it, epochs where their length is known, and time. */
function useXChoices(): ChartToolbarProps['axis']['options'] {
  const series = useSeries();
  const epochs = useView((v) => v.stepsPerEpoch > 0, false);
  return useMemo(() => {
    const own = series.filter((s) => s.x);
    return [
      { value: 'step', text: 'step' },
      ...own.map((s) => ({ value: seriesChoice(s.name), text: s.name })),
      ...(epochs && !own.some((s) => s.role === 'epoch') ? [{ value: 'epoch', text: 'epoch' }] : []),
      { value: 'relative', text: 'time since start' },
      { value: 'wall', text: 'wall time' },
    ];
  }, [series, epochs]);
}

/** The toolbar of the run page's charts. */
export function ChartControls() {
  const choices = useChartChoices((all) => all);
  const smoothed = useCursor(() => smoothingFor(choices, rowsSoFar()));
  const xChoices = useXChoices();
  const x = xChoices.some((o) => o.value === choices.x) ? choices.x : 'step';
  return (
    <ChartToolbar
      choices={choices}
      smoothed={smoothed}
      axis={{ label: 'x', value: x, options: xChoices, onChange: (value) => chartChoices.set({ x: value as XChoice }) }}
      noLogX={canBeLog(kindOf(x)) ? null : 'A clock time has no logarithm: choose another x'}
      onChange={chartChoices.set}
    />
  );
}

export interface ChartToolbarProps {
  choices: Pick<ChartChoices, 'log' | 'logX' | 'robust' | 'search' | 'plan'>;
  /** Rows in the moving average; 0 = none. */
  smoothed: number;
  axis: { label: string; value: string; options: readonly { value: string; text: string }[]; onChange(value: string): void };
  /** More fields of the axis. */
  children?: ReactNode;
  /** Why the x axis cannot be logarithmic; null = it can. */
  noLogX: string | null;
  onChange(change: Partial<Pick<ChartChoices, 'smoothSteps' | 'log' | 'logX' | 'robust' | 'search' | 'plan'>>): void;
}

/** Smoothing, axes, search, marks and new charts, for all charts of a page. */
export function ChartToolbar({ choices: c, smoothed, axis, children, noLogX, onChange }: ChartToolbarProps) {
  const id = useId();
  const stop = smoothStops.findLastIndex((s) => s <= smoothed);
  const { error } = matcher(c.search);
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-dim">
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
          onChange={(e) => onChange({ smoothSteps: smoothStops[Number(e.target.value)]! })}
          className="h-6 w-20"
        />
        <output className="w-14 font-mono text-2xs text-ink">{smoothed === 0 ? 'off' : `${formatStep(smoothed)} rows`}</output>
      </label>
      <Explain term="smoothing" className="-ml-3" />
      <Toggle on={c.log} label="Log y" title="Logarithmic y axis" onChange={(log) => onChange({ log })} />
      <Toggle
        on={c.logX && noLogX === null}
        label="Log x"
        title={noLogX ?? 'Logarithmic x axis: the first steps get as much room as the rest'}
        disabled={noLogX !== null}
        onChange={(logX) => onChange({ logX })}
      />
      <Toggle
        on={c.robust}
        label="Ignore outliers"
        title="Leave the outermost 1 % of values out of the y range; what lies beyond is marked at the edge"
        onChange={(robust) => onChange({ robust })}
      />
      <Explain term="ignoreOutliers" className="-ml-3" />
      <label className="flex items-center gap-1.5">
        {axis.label}
        <Select
          className="h-6! w-auto! max-w-36 px-1! font-sans"
          options={axis.options}
          value={axis.value}
          onPick={axis.onChange}
        />
      </label>
      {children}
      <label className="relative flex items-center">
        <Search aria-hidden size={12} className="absolute left-1.5" />
        <input
          type="search"
          value={c.search}
          placeholder="search series"
          aria-label="Search series by name, label or group (regular expression)"
          aria-invalid={error !== null}
          aria-describedby={error ? `${id}error` : undefined}
          onChange={(e) => onChange({ search: e.target.value })}
          className={`h-6 w-32 rounded border bg-raised pr-1 pl-6 text-ink placeholder:text-dim ${error ? 'border-warn' : 'border-line'}`}
        />
        {error && (
          <span id={`${id}error`} role="status" className="ml-1.5 text-2xs text-warn">
            {error}
          </span>
        )}
      </label>
      <MarksLegend />
      <AddChart plan={c.plan} onPlan={(plan) => onChange({ plan })} />
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
function AddChart({ plan, onPlan }: { plan: ChartPlan; onPlan(plan: ChartPlan): void }) {
  return (
    <>
      <Button
        size="small"
        onClick={() => chartEditor.set({ chart: { id: `own ${nanoid(6)}`, title: '', series: [], range: [null, null] } })}
      >
        <Plus aria-hidden size={12} /> Chart
      </Button>
      {plan.hidden.length > 0 && (
        <Button size="small" look="bare" onClick={() => onPlan({ ...plan, hidden: [] })}>
          Bring back {plan.hidden.length}
        </Button>
      )}
    </>
  );
}
