'use client';

import { memo, useMemo } from 'react';
import { LineChart } from '~/app/_charts/LineChart';
import type { LineSpec, PointSpec } from '~/app/_charts/types';
import { Panel } from '~/app/_components/Panel';
import { useChartChoices } from '~/app/_live/chartSettings';
import { evaluationPoints } from '~/app/_live/runMarks';
import { useWanted } from '~/app/_live/useHistory';
import { useView } from '~/app/_live/useRun';
import { useChartNotes } from '~/app/_run/notes/useChartNotes';
import { ChartControls } from './ChartControls';
import { lineOf } from './chartLines';
import { type MainChart, mainCharts } from './mainCharts';
import { SeriesGroups } from './SeriesGroups';
import { matcher } from './seriesSearch';
import { useCharts, useNotice } from './useCharts';

/** Every recorded number of the run as curves under one cursor, zoom and smoothing. */
export function CurvesPanel() {
  const search = useChartChoices((c) => c.search);
  const { test } = useMemo(() => matcher(search), [search]);
  const shown = mainCharts.filter((c) => search === '' || c.series.some((s) => test(s.name)));
  return (
    <Panel title="Curves" aside={<ChartControls />}>
      <div className="@container p-3" hidden={shown.length === 0}>
        {/* Four charts: one, two or four abreast, never three and one. */}
        <div className="grid grid-cols-1 gap-x-4 gap-y-3 @2xl:grid-cols-2 @7xl:grid-cols-4">
          {shown.map((c) => (
            <Main key={c.title} chart={c} />
          ))}
        </div>
      </div>
      <SeriesGroups test={test} searching={search !== ''} />
    </Panel>
  );
}

const clipped = ['clipped'] as const;
const none: readonly string[] = [];

const Main = memo(function Main({ chart }: { chart: MainChart }) {
  const { history, chart: shared, rule, evaluations } = useCharts();
  const present = useView((v) => v.series.filter((s) => chart.series.some((c) => c.name === s.name)).map((s) => s.name), []);
  const all = useMemo(() => chart.series.map((s) => s.name), [chart]);
  // Before the run says what it records, the usual names are asked for: the curve is there with the first view.
  const names = present.length > 0 ? present : all;
  useWanted(
    history,
    names,
    chart.series.some((s) => s.smoothed),
  );
  useWanted(history, chart.clip ? clipped : none);
  const clip = useMemo(
    () => rule && { ...rule, marks: { line: 'gradNorm', label: 'clipped', share: () => history.curve('clipped') } },
    [rule, history],
  );
  const notice = useNotice(history, names);
  const notes = useChartNotes();
  const lines: LineSpec[] = useMemo(
    () => chart.series.filter((s) => names.includes(s.name)).map((s) => lineOf(history, s.name, s)),
    [chart, names, history],
  );
  const points: PointSpec[] = useMemo(
    () => (chart.points ? evaluationPoints(evaluations, chart.points) : []),
    [chart, evaluations],
  );
  return (
    <LineChart
      {...shared}
      title={chart.title}
      lines={lines}
      points={points}
      rule={chart.clip ? clip : null}
      percent={chart.percent}
      notice={notice}
      {...notes}
    />
  );
});
