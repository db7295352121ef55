'use client';

import { useCallback, useEffect, useMemo, useState } from 'react';
import { LineChart } from '~/app/_charts/LineChart';
import { usePalette } from '~/app/_charts/palette';
import type { LineSpec, StepFile } from '~/app/_charts/types';
import { inputClass } from '~/app/_components/Field';
import { count, measured } from '~/app/_components/format';
import { LinkState } from '~/app/_components/LinkState';
import { numberTyped } from '~/app/_components/numberTyped';
import { PageTools } from '~/app/_components/PageTools';
import { Panel } from '~/app/_components/Panel';
import { onPaper } from '~/app/_components/paper';
import { PageHeader } from '~/app/_components/TopBar';
import { atBase } from '~/app/_live/base';
import type { ChartPlan } from '~/app/_live/chartPlan';
import { smoothingFor, smoothingWeight } from '~/app/_live/chartSettings';
import { connection } from '~/app/_live/connection';
import { createCursor } from '~/app/_live/cursor';
import { commonLoss } from '~/app/_live/equalLoss';
import { useSelected } from '~/app/_live/select';
import { stepFile } from '~/app/_live/stepFile';
import { ChartToolbar } from '~/app/_run/curves/ChartControls';
import { ChartGrid, useChartHeight } from '~/app/_run/curves/ChartGrid';
import { ChartEditor, chartItems } from '~/app/_run/curves/EditChart';
import { noSuchSeries } from '~/app/_run/curves/mainCharts';
import { matcher } from '~/app/_run/curves/seriesSearch';
import { seriesOf } from '~/shared/streams';
import { ended } from '~/shared/view';
import { AttentionCompared, comparisonOf, withoutRuns } from './AttentionCompared';
import { type Alignment, alignments, axisOf, canBeLog, endsOf, ownZoom } from './align';
import { Differences } from './Differences';
import {
  type CompareChart,
  compareCharts,
  comparedMarks,
  legendNames,
  linesOf,
  mostShared,
  namesOf,
  ownSeries,
  pointsOf,
  sharedNames,
} from './lines';
import { type CompareChoices, compareLink, fromCompareLink } from './link';
import { RunChips } from './RunChips';
import { useCompared } from './useCompared';

/** Compares up to ten runs: their curves on one axis, and the settings in which they differ. */
export function Compare({ params }: { params: Readonly<Record<string, string | string[] | undefined>> }) {
  const [start] = useState(() =>
    fromCompareLink({
      get: (name) => {
        const value = params[name];
        return typeof value === 'string' ? value : null;
      },
    }),
  );
  const [positions, setPositions] = useState(start.runs);
  const runIds = useMemo(() => positions.filter(Boolean), [positions]);
  const [choices, setChoices] = useState(start.choices);
  const { x, log, logX, robust, search, plan } = choices;
  const { runs, errors, link, subscribe, want } = useCompared(runIds);
  // The header says it once for all runs.
  const refusal = useSelected(connection, (state) => state.refused);
  const [attention, setAttention] = useState(start.attention);
  const palette = usePalette();

  const there = useMemo(() => runs.filter((r) => r !== null), [runs]);
  const looked = there.filter((r) => r.view.counts.snapshots.count > 0);
  const common = useMemo(() => commonLoss(there.map((r) => r.loss)), [there]);
  const level = numberTyped(choices.level);
  const unread = level === null && choices.level.trim() !== '';
  const lossLevel = level ?? common;
  const axis = useMemo(() => axisOf(x, there, lossLevel, logX), [x, there, lossLevel, logX]);
  const left = there.filter((r) => axis.place(r.runId) === null);
  const [cursor] = useState(() => {
    const made = createCursor();
    made.zoom(start.zoom);
    return made;
  });
  useEffect(() => {
    const [first, head] = endsOf(axis, there);
    cursor.rows(first, 1);
    cursor.head(
      head,
      there.every((r) => ended(r.view.status)),
    );
  }, [cursor, there, axis]);

  useEffect(() => {
    let shown = '';
    const notify = () => {
      const link = compareLink({ runs: positions, choices, zoom: cursor.get().zoom, attention });
      if (link !== shown) history.replaceState(history.state, '', atBase(link));
      shown = link;
    };
    notify();
    return cursor.subscribe(notify);
  }, [positions, choices, attention, cursor]);

  const change = (next: Partial<CompareChoices>) => setChoices((before) => ({ ...before, ...next }));
  const smoothed = smoothingFor(choices, Math.max(0, ...there.map((r) => r.rows)));
  const weight = smoothingWeight(smoothed);
  useEffect(() => {
    for (const { history } of there) history.smooth(weight);
  }, [there, weight]);
  // Each run is zoomed to the steps of its own that are shown.
  useEffect(() => {
    const follow = () => {
      const { zoom } = cursor.get();
      for (const { runId, history } of there) history.show(ownZoom(axis.place(runId), zoom), axis.map.log);
    };
    follow();
    return cursor.subscribe(follow);
  }, [cursor, there, axis]);

  const { test } = useMemo(() => matcher(search), [search]);
  const shared = useMemo(() => sharedNames(there), [there]);
  const found = useMemo(() => shared.filter(test), [shared, test]);
  const charts = useMemo(() => compareCharts(there, found.slice(0, mostShared), plan), [there, found, plan]);
  useEffect(() => want([...new Set(charts.flatMap((c) => c.series))]), [want, charts]);
  const named = useMemo(() => namesOf(there), [there]);
  const drawn = useMemo(() => {
    const colorOf = (runId: string) => positions.indexOf(runId);
    const short = legendNames(named);
    return {
      marks: comparedMarks(there, axis, named, colorOf),
      charts: charts
        .filter((c) => [c.title, ...c.series].some(test))
        .map((chart) => ({
          chart,
          lines: linesOf(there, axis, chart, short, colorOf),
          points: chart.points ? pointsOf(there, axis, chart.points, short, colorOf) : [],
        })),
    };
  }, [there, axis, named, positions, charts, test]);
  /** A run that is left out leaves the panes of attention too. */
  const choose = (next: readonly string[]) => {
    setPositions(next);
    setAttention((now) => now && withoutRuns(now, next));
  };
  const known = useMemo(() => [...new Set(there.flatMap((r) => seriesOf(r.view).map((s) => s.name)))], [there]);
  const onPlan = (next: ChartPlan) => change({ plan: next });
  const height = useChartHeight();
  const settings = useMemo(() => ({ smoothing: weight, log, robust }), [weight, log, robust]);
  const onWidth = useCallback(
    (width: number) => {
      for (const { history } of there) history.resolve(2 * width);
    },
    [there],
  );
  const nobodyHas = (name: string) => there.every((run) => own(run, name) === undefined);
  /** Why a chart is still empty; null = it is not. A chart that shows only evaluations waits for no series. */
  const noticeOf = ({ series }: CompareChart, lines: readonly LineSpec[], points: readonly unknown[]): string | null => {
    if (there.length > 0 && series.length > 0 && points.length === 0 && series.every(nobodyHas)) return noSuchSeries(series);
    if (runIds.length === 0 || lines.some((l) => l.curve() ?? l.whole?.()) || (lines.length === 0 && there.length > 0))
      return null;
    const error = there.map((r) => r.history.error).find((e) => e !== null);
    return error ? `The curves could not be read: ${error}. Trying again.` : 'Reading the curves …';
  };
  const own = useMemo(() => ownSeries(there), [there]);
  const filesOf =
    ({ series }: CompareChart) =>
    (lines: readonly LineSpec[]): StepFile[] =>
      there.flatMap((run) => {
        const { runId, history } = run;
        const names = [...new Set(series.flatMap((name) => own(run, name) ?? []))];
        if (!lines.some((l) => names.some((name) => l.name === `${runId} ${name}`))) return [];
        return stepFile(runId, history, names, `Every step of ${named.get(runId)}`) ?? [];
      });

  return (
    <div className={onPaper}>
      <PageHeader skip title="Compare runs">
        <div className="ml-auto flex items-center gap-3">
          {there.length > 0 && <LinkState link={link} error={null} />}
          <PageTools />
        </div>
      </PageHeader>
      <main id="main" className="space-y-2 p-2">
        {link === 'reconnecting' && (
          <p role="alert" className="rounded border border-warn/50 bg-warn/10 px-3 py-1.5 text-warn">
            The connection to the server broke: what you see may be old. The runs themselves go on.
          </p>
        )}
        <RunChips positions={positions} runs={runs} errors={errors} named={named} palette={palette} onChange={choose} />
        {runIds.length === 0 || (there.length === 0 && (refusal !== null || errors.every((e) => e !== null))) ? (
          <p className="py-10 text-center text-dim">
            {runIds.length === 0 ? 'Nothing is chosen' : 'None of these runs can be read'}: add runs above, or tick them in the
            list of all runs.
          </p>
        ) : (
          <Panel title="Curves">
            <div className="sticky top-0 z-20 overflow-x-auto border-b border-line bg-panel px-3 py-1">
              <ChartToolbar
                choices={choices}
                smoothed={smoothed}
                axis={{
                  label: 'aligned by',
                  value: x,
                  options: alignments.map((a) => ({ value: a, text: a })),
                  onChange: (next) => {
                    change({ x: next as Alignment });
                    // Positions of the axis before mean other steps on this one.
                    cursor.zoom(null);
                    cursor.follow();
                  },
                }}
                noLogX={canBeLog(x) ? null : 'Equal loss has steps on both sides of 0: align by something else'}
                onChange={change}
              >
                {x === 'equal loss' && (
                  <label
                    className="inline-flex items-center gap-1"
                    title="Each run is shifted to the first step at which its smoothed loss is at or below this; empty = the lowest that all have reached"
                  >
                    loss
                    <input
                      className={`${inputClass} h-6! w-24!`}
                      placeholder={common === null ? '' : measured(common)}
                      aria-invalid={unread || undefined}
                      value={choices.level}
                      onChange={(e) => change({ level: e.target.value })}
                    />
                    {unread && <span className="text-bad">give a number, or leave it empty</span>}
                  </label>
                )}
              </ChartToolbar>
            </div>
            {left.length > 0 && (
              <p role="status" className="px-3 pt-2 text-warn">
                {left.map((r) => named.get(r.runId)).join(', ')}:{' '}
                {x === 'equal loss'
                  ? lossLevel === null
                    ? 'without a loss, so not on this axis'
                    : `never at a loss of ${measured(lossLevel)}`
                  : x === 'epoch'
                    ? 'the length of its epochs is not known, so not on this axis'
                    : 'not started, so not on this axis'}
                .
              </p>
            )}
            <ChartGrid>
              {drawn.charts.map(({ chart, lines, points }) => (
                <LineChart
                  key={chart.id}
                  title={chart.title}
                  lines={lines}
                  points={points}
                  missing={chart.series.filter(nobodyHas)}
                  marks={drawn.marks}
                  map={axis.map}
                  settings={settings}
                  cursor={cursor}
                  subscribe={subscribe}
                  onWidth={onWidth}
                  stepFiles={filesOf(chart)}
                  percent={chart.percent}
                  range={chart.range}
                  height={height}
                  notice={noticeOf(chart, lines, points)}
                  menu={chartItems(
                    chart,
                    charts.map((c) => c.id),
                    { plan, onPlan },
                  )}
                />
              ))}
            </ChartGrid>
            {drawn.charts.length === 0 && <p className="px-3 py-4 text-dim">No series of these runs matches.</p>}
            {found.length > mostShared && (
              <p className="border-t border-line px-3 py-1.5 text-xs text-dim">
                {count(found.length - mostShared)} more series have the same name in several of these runs: search for them.
              </p>
            )}
            <ChartEditor plan={plan} known={known} onPlan={onPlan} />
          </Panel>
        )}
        {there.length > 0 && (attention || looked.length > 0) && (
          <AttentionCompared
            runs={there.map(({ runId }) => ({ runId, name: named.get(runId)! }))}
            comparison={
              attention ??
              comparisonOf(
                looked.map((r) => r.runId),
                there.map((r) => r.runId),
              )
            }
            onChange={setAttention}
          />
        )}
        {there.length > 1 && <Differences runs={there} named={named} />}
      </main>
    </div>
  );
}
