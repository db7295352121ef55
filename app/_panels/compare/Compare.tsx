'use client';

import { X } from 'lucide-react';
import Link from 'next/link';
import { useEffect, useMemo, useState } from 'react';
import { LineChart } from '../../_charts/LineChart';
import { usePalette } from '../../_charts/palette';
import type { LineSpec, Mark, PointSpec } from '../../_charts/types';
import { Button } from '../../_components/Button';
import { inputClass, Select } from '../../_components/Field';
import { count, measured, percent } from '../../_components/format';
import { Panel } from '../../_components/Panel';
import { StatusBadge } from '../../_components/StatusBadge';
import { ThemeToggle, TopBar } from '../../_components/TopBar';
import { smoothingWeight, smoothStops } from '../../_live/chartSettings';
import { createCursor } from '../../_live/cursor';
import { useRunList } from '../../_live/useRunList';
import { type Alignment, alignments, axisOf, carried, commonLoss } from './align';
import { differences } from './difference';
import { type Compared, type ComparedSeries, useCompared } from './useCompared';

export const most = 10;
const charts: { series: ComparedSeries; title: string; percent?: boolean; smoothed: boolean; points?: 'accuracy' }[] = [
  { series: 'loss', title: 'Loss', smoothed: true },
  { series: 'accuracy', title: 'Accuracy', percent: true, smoothed: true, points: 'accuracy' },
  { series: 'gradNorm', title: 'Gradient norm', smoothed: true },
  { series: 'learningRate', title: 'Learning rate', smoothed: false },
];
const quiet = () => () => {};

/** Up to ten runs over each other: their curves on one axis, and what their set-ups do not share. */
export function Compare({ start }: { start: { runs: string[]; x: Alignment } }) {
  const [runIds, setRunIds] = useState<readonly string[]>(start.runs);
  const [x, setX] = useState<Alignment>(start.x);
  const [level, setLevel] = useState('');
  const [smoothSteps, setSmoothSteps] = useState(10);
  const [log, setLog] = useState(false);
  const { runs, errors } = useCompared(runIds);
  const list = useRunList();
  const palette = usePalette();

  useEffect(() => {
    history.replaceState(
      history.state,
      '',
      `/compare?runs=${runIds.join(',')}${x === 'step' ? '' : `&x=${encodeURIComponent(x)}`}`,
    );
  }, [runIds, x]);

  const there = useMemo(() => runs.filter((r) => r !== null), [runs]);
  const common = useMemo(() => commonLoss(there), [there]);
  const typed = level.trim() === '' ? null : Number(level);
  const lossLevel = typed !== null && Number.isFinite(typed) ? typed : common;
  const axis = useMemo(() => axisOf(x, there, lossLevel), [x, there, lossLevel]);
  const left = there.filter((r) => axis.place(r.runId) === null);
  const cursor = useMemo(createCursor, []);
  useEffect(() => {
    cursor.head(Math.ceil(Math.max(0, ...there.map((r) => axis.place(r.runId)?.(r.view.step) ?? 0))));
  }, [cursor, there, axis]);

  const named = useMemo(() => names(there), [there]);
  const drawn = useMemo(() => {
    const colourOf = (runId: string) => runIds.indexOf(runId);
    return {
      marks: forks(there, axis, named),
      charts: charts.map((chart) => ({
        chart,
        lines: linesOf(there, axis, chart, named, colourOf),
        points: chart.points ? pointsOf(there, axis, chart.points, named, colourOf) : [],
      })),
    };
  }, [there, axis, named, runIds]);
  const settings = useMemo(() => ({ smoothing: smoothingWeight(smoothSteps), log, robust: false }), [smoothSteps, log]);
  const others = (list.runs ?? []).filter((r) => !r.trashed && !runIds.includes(r.runId));

  return (
    <>
      <header className="border-b border-line bg-panel">
        <TopBar>
          <span aria-hidden className="-mx-2 text-dim">
            /
          </span>
          <h1 className="text-sm font-semibold">Compare runs</h1>
          <span className="ml-auto">
            <ThemeToggle />
          </span>
        </TopBar>
      </header>
      <main className="mx-auto max-w-[120rem] space-y-2 p-2">
        <ul className="flex flex-wrap gap-1.5" aria-label="Runs compared">
          {runIds.map((runId, i) => {
            const run = runs[i];
            return (
              <li
                key={runId}
                className="inline-flex max-w-full min-w-0 items-center gap-2 rounded border border-line bg-panel py-0.5 pr-0.5 pl-2"
              >
                <span
                  aria-hidden
                  className="size-2.5 shrink-0 rounded-full"
                  style={{ background: palette.series[i % palette.series.length] }}
                />
                {run ? (
                  <>
                    <Link href={`/runs/${runId}`} className="min-w-0 truncate font-medium hover:text-accent">
                      {named.get(runId)}
                    </Link>
                    <StatusBadge status={run.view.status} />
                    <span className="font-mono text-xs text-dim">{count(run.view.step)}</span>
                  </>
                ) : (
                  <span className={errors[i] ? 'text-bad' : 'text-dim'}>{errors[i] ?? `reading ${runId} …`}</span>
                )}
                <Button
                  look="bare"
                  size="small"
                  aria-label={`Leave out ${named.get(runId) ?? runId}`}
                  onClick={() => setRunIds(runIds.filter((id) => id !== runId))}
                >
                  <X aria-hidden size={12} />
                </Button>
              </li>
            );
          })}
          {runIds.length < most && others.length > 0 && (
            <li>
              <select
                aria-label="Add a run"
                className={`${inputClass} w-auto! max-w-60 font-sans`}
                value=""
                onChange={(e) => setRunIds([...runIds, e.target.value])}
              >
                <option value="">Add a run …</option>
                {others.map((r) => (
                  <option key={r.runId} value={r.runId}>
                    {r.name}
                  </option>
                ))}
              </select>
            </li>
          )}
        </ul>
        {runIds.length === 0 && (
          <p className="py-10 text-center text-dim">Nothing is chosen: add runs above, or tick them in the list of all runs.</p>
        )}
        <Panel
          title="Curves"
          aside={
            <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-dim">
              <span className="inline-flex items-center gap-1">
                aligned by
                <Select
                  aria-label="Aligned by"
                  className="w-auto! font-sans"
                  options={alignments}
                  value={x}
                  onChange={(e) => {
                    setX(e.target.value as Alignment);
                    cursor.zoom(null);
                  }}
                />
              </span>
              {x === 'equal loss' && (
                <label className="inline-flex items-center gap-1">
                  loss
                  <input
                    className={`${inputClass} w-24!`}
                    inputMode="decimal"
                    placeholder={common === null ? '' : measured(common)}
                    aria-invalid={typed !== null && !Number.isFinite(typed) ? true : undefined}
                    value={level}
                    onChange={(e) => setLevel(e.target.value)}
                  />
                </label>
              )}
              <span className="inline-flex items-center gap-1">
                smooth
                <Select
                  aria-label="Smoothing, in steps"
                  className="w-auto! font-sans"
                  options={smoothStops.map(String)}
                  value={String(smoothSteps)}
                  onChange={(e) => setSmoothSteps(Number(e.target.value))}
                />
              </span>
              <label className="inline-flex items-center gap-1">
                <input type="checkbox" className="accent-accent" checked={log} onChange={(e) => setLog(e.target.checked)} />
                log y
              </label>
            </div>
          }
        >
          {left.length > 0 && (
            <p role="status" className="px-3 pt-2 text-warn">
              {left.map((r) => named.get(r.runId)).join(', ')}:{' '}
              {x === 'equal loss' ? `never at a loss of ${measured(lossLevel)}` : 'not started, so not on this axis'}.
            </p>
          )}
          <div className="grid grid-cols-1 gap-x-4 gap-y-3 p-3 lg:grid-cols-2">
            {drawn.charts.map(({ chart, lines, points }) => (
              <LineChart
                key={chart.title}
                title={chart.title}
                lines={lines}
                points={points}
                marks={drawn.marks}
                map={axis.map}
                settings={settings}
                cursor={cursor}
                subscribe={quiet}
                percent={chart.percent}
                notice={there.length === 0 && runIds.length > 0 ? 'Reading the curves …' : null}
              />
            ))}
          </div>
        </Panel>
        {there.length > 1 && <Differences runs={there} named={named} />}
      </main>
    </>
  );
}

type Names = ReadonlyMap<string, string>;

/** Runs of the same name get their id beside it. */
function names(runs: readonly Compared[]): Names {
  return new Map(
    runs.map(({ runId, view }) => {
      const { name } = view.config;
      return [runId, runs.some((r) => r.runId !== runId && r.view.config.name === name) ? `${name} (${runId})` : name];
    }),
  );
}

function linesOf(
  runs: readonly Compared[],
  axis: ReturnType<typeof axisOf>,
  { series, smoothed }: (typeof charts)[number],
  named: Names,
  colourOf: (runId: string) => number,
): LineSpec[] {
  return runs.flatMap((run) => {
    const place = axis.place(run.runId);
    if (!place) return [];
    const curve = carried(run.curves[series], place);
    const color = colourOf(run.runId);
    return [
      { name: run.runId, label: named.get(run.runId)!, color, dashed: color >= 8, smoothed, thin: !smoothed, curve: () => curve },
    ];
  });
}

/** Validation results of each run. */
function pointsOf(
  runs: readonly Compared[],
  axis: ReturnType<typeof axisOf>,
  what: 'accuracy',
  named: Names,
  colourOf: (runId: string) => number,
): PointSpec[] {
  return runs.flatMap((run) => {
    const place = axis.place(run.runId);
    const found = run.view.evaluations.filter((e) => e.split === 'validation');
    if (!place || found.length === 0) return [];
    return [
      {
        name: `${run.runId} validation`,
        label: `${named.get(run.runId)} validation`,
        color: colourOf(run.runId),
        points: found.map((e) => ({ step: Math.round(place(e.step)), value: e[what], note: `step ${e.step}` })),
      },
    ];
  });
}

/** Where a branch leaves a parent that is on the page too. */
function forks(runs: readonly Compared[], axis: ReturnType<typeof axisOf>, named: Names): Mark[] {
  return runs.flatMap(({ runId, view }) => {
    const { parent } = view;
    const place = axis.place(runId);
    if (!parent || !place || !named.has(parent.runId)) return [];
    return [
      {
        id: `fork ${runId}`,
        step: Math.round(place(parent.step)),
        kind: 'status' as const,
        label: `${named.get(runId)} leaves ${named.get(parent.runId)}`,
        detail: `at step ${parent.step}`,
        color: 'accent' as const,
        line: true,
      },
    ];
  });
}

function Differences({ runs, named }: { runs: readonly Compared[]; named: Names }) {
  const rows = differences(runs.map((r) => r.view.config));
  const best = (run: Compared, split: string) =>
    run.view.evaluations.filter((e) => e.split === split).reduce<number | null>((top, e) => Math.max(top ?? 0, e.accuracy), null);
  const results: [string, (run: Compared) => string][] = [
    ['Best validation', (r) => percent(best(r, 'validation'))],
    ['Test', (r) => percent(r.view.evaluations.findLast((e) => e.split === 'test')?.accuracy ?? null)],
    [
      'Changes made on the way',
      (r) => count(r.view.commands.filter((c) => c.command.kind === 'set' && c.outcome.status === 'applied').length),
    ],
    ['Backend', (r) => r.view.backend?.name ?? '–'],
  ];
  return (
    <Panel title="Differences">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <section className="overflow-x-auto" tabIndex={0} aria-label="Results and set-ups side by side">
        <table className="w-full text-xs">
          <thead>
            <tr className="border-b border-line text-left">
              <td />
              {runs.map((r) => (
                <th key={r.runId} scope="col" className="px-3 py-1 text-right font-semibold">
                  {named.get(r.runId)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {results.map(([title, cell]) => (
              <Row key={title} title={title} cells={runs.map(cell)} />
            ))}
            {rows.map((d) => (
              <Row key={d.path} title={d.label} cells={d.values.map((v) => v ?? '–')} />
            ))}
          </tbody>
        </table>
        {rows.length === 0 && <p className="px-3 py-2 text-dim">Their set-ups are the same.</p>}
      </section>
    </Panel>
  );
}

function Row({ title, cells }: { title: string; cells: string[] }) {
  return (
    <tr className="border-b border-line/60 last:border-0">
      <th scope="row" className="px-3 py-0.5 text-left font-normal text-dim">
        {title}
      </th>
      {cells.map((cell, i) => (
        <td key={i} className="px-3 py-0.5 text-right font-mono">
          {cell}
        </td>
      ))}
    </tr>
  );
}
