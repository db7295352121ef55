'use client';

import { useCallback, useEffect, useMemo, useState } from 'react';
import { LineChart } from '~/app/_charts/LineChart';
import { usePalette } from '~/app/_charts/palette';
import type { LineSpec, StepFile } from '~/app/_charts/types';
import { count, measured } from '~/app/_components/format';
import { Panel } from '~/app/_components/Panel';
import { ThemeToggle, TopBar } from '~/app/_components/TopBar';
import { smoothingWeight } from '~/app/_live/chartSettings';
import { createCursor } from '~/app/_live/cursor';
import { commonLoss } from '~/app/_live/equalLoss';
import { stepFile } from '~/app/_live/stepFile';
import { Bell } from '~/app/_run/shell/Bell';
import { ended } from '~/shared/view';
import { AttentionCompared, comparisonOf } from './AttentionCompared';
import { axisOf, ownZoom } from './align';
import { CompareControls, typedLevel } from './CompareControls';
import { Differences } from './Differences';
import { type CompareChart, compareCharts, forksOf, linesOf, namesOf, pointsOf, SHARED_CHARTS, sharedNames } from './lines';
import { type CompareView, compareLink } from './link';
import { RunChips } from './RunChips';
import { useCompared } from './useCompared';

/** Compares up to ten runs: their curves on one axis, and the settings in which they differ. */
export function Compare({ start }: { start: CompareView }) {
  const [runIds, setRunIds] = useState<readonly string[]>(start.runs);
  const [choices, setChoices] = useState(start.choices);
  const { x, smoothSteps, log, logX, robust } = choices;
  const { runs, errors, subscribe, want } = useCompared(runIds);
  const [attention, setAttention] = useState(start.attention);
  const palette = usePalette();

  const there = useMemo(() => runs.filter((r) => r !== null), [runs]);
  const common = useMemo(() => commonLoss(there.map((r) => r.loss)), [there]);
  const typed = typedLevel(choices);
  const lossLevel = typed !== null && Number.isFinite(typed) ? typed : common;
  const axis = useMemo(() => axisOf(x, there, lossLevel, logX), [x, there, lossLevel, logX]);
  const left = there.filter((r) => axis.place(r.runId) === null);
  const [cursor] = useState(() => {
    const made = createCursor();
    made.zoom(start.zoom);
    return made;
  });
  useEffect(() => {
    const heads = there.map((r) => axis.place(r.runId)?.of(r.view.step) ?? 0);
    cursor.head(
      Math.ceil(Math.max(0, ...heads)),
      there.every((r) => ended(r.view.status)),
    );
  }, [cursor, there, axis]);

  useEffect(() => {
    let shown = '';
    const notify = () => {
      const link = compareLink({ runs: runIds, choices, zoom: cursor.get().zoom, attention });
      if (link !== shown) history.replaceState(history.state, '', link);
      shown = link;
    };
    notify();
    return cursor.subscribe(notify);
  }, [runIds, choices, attention, cursor]);

  const weight = smoothingWeight(smoothSteps);
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

  const shared = useMemo(() => sharedNames(there), [there]);
  useEffect(() => want(shared.slice(0, SHARED_CHARTS)), [want, shared]);
  const named = useMemo(() => namesOf(there), [there]);
  const drawn = useMemo(() => {
    const colorOf = (runId: string) => runIds.indexOf(runId);
    return {
      marks: forksOf(there, axis, named),
      charts: compareCharts(there, shared.slice(0, SHARED_CHARTS)).map((chart) => ({
        chart,
        lines: linesOf(there, axis, chart, named, colorOf),
        points: chart.points ? pointsOf(there, axis, chart.points, named, colorOf) : [],
      })),
    };
  }, [there, axis, named, runIds, shared]);
  const settings = useMemo(() => ({ smoothing: weight, log, robust }), [weight, log, robust]);
  const onWidth = useCallback(
    (width: number) => {
      for (const { history } of there) history.resolve(2 * width);
    },
    [there],
  );
  /** Why a chart is still empty; null = it is not. A chart that shows only evaluations waits for no series. */
  const noticeOf = (lines: readonly LineSpec[]): string | null => {
    if (runIds.length === 0 || lines.some((l) => l.curve() ?? l.whole?.()) || (lines.length === 0 && there.length > 0))
      return null;
    const error = there.map((r) => r.history.error).find((e) => e !== null);
    return error ? `The curves could not be read: ${error}. Trying again.` : 'Reading the curves …';
  };
  const filesOf =
    ({ of }: CompareChart) =>
    (lines: readonly LineSpec[]): StepFile[] =>
      there.flatMap((run) => {
        const { runId, history } = run;
        const name = of(run);
        if (name === undefined || !lines.some((l) => l.name === runId)) return [];
        return stepFile(runId, history, [name], `Every step of ${named.get(runId)}`) ?? [];
      });

  return (
    <>
      <header className="border-b border-line bg-panel">
        <TopBar skip>
          <span aria-hidden className="-mx-2 text-dim">
            /
          </span>
          <h1 className="text-sm font-semibold">Compare runs</h1>
          <span className="ml-auto flex">
            <Bell />
            <ThemeToggle />
          </span>
        </TopBar>
      </header>
      <main id="main" className="mx-auto max-w-[120rem] space-y-2 p-2">
        <RunChips runIds={runIds} runs={runs} errors={errors} named={named} palette={palette} onChange={setRunIds} />
        {runIds.length === 0 && (
          <p className="py-10 text-center text-dim">Nothing is chosen: add runs above, or tick them in the list of all runs.</p>
        )}
        <Panel
          title="Curves"
          aside={
            <CompareControls
              choices={choices}
              common={common}
              onChange={(change) => {
                setChoices({ ...choices, ...change });
                if (change.x) cursor.zoom(null);
              }}
            />
          }
        >
          {left.length > 0 && (
            <p role="status" className="px-3 pt-2 text-warn">
              {left.map((r) => named.get(r.runId)).join(', ')}:{' '}
              {x === 'equal loss'
                ? `never at a loss of ${measured(lossLevel)}`
                : x === 'epoch'
                  ? 'the length of its epochs is not known, so not on this axis'
                  : 'not started, so not on this axis'}
              .
            </p>
          )}
          <div className="grid grid-cols-1 gap-x-4 gap-y-3 p-3 lg:grid-cols-2">
            {drawn.charts.map(({ chart, lines, points }, i) => (
              <LineChart
                key={`${i} ${chart.title}`}
                title={chart.title}
                lines={lines}
                points={points}
                marks={drawn.marks}
                map={axis.map}
                settings={settings}
                cursor={cursor}
                subscribe={subscribe}
                onWidth={onWidth}
                stepFiles={filesOf(chart)}
                percent={chart.percent}
                notice={noticeOf(lines)}
              />
            ))}
          </div>
          {shared.length > SHARED_CHARTS && (
            <p className="border-t border-line px-3 py-1.5 text-xs text-dim">
              {count(shared.length - SHARED_CHARTS)} more series have the same name in several of these runs.
            </p>
          )}
        </Panel>
        {there.length > 0 && (
          <AttentionCompared
            runs={there.map(({ runId }) => ({ runId, name: named.get(runId)! }))}
            comparison={attention ?? comparisonOf(there.map((r) => r.runId))}
            onChange={setAttention}
          />
        )}
        {there.length > 1 && <Differences runs={there} named={named} />}
      </main>
    </>
  );
}
