'use client';

import { memo, useMemo } from 'react';
import { LineChart } from '~/app/_charts/LineChart';
import type { LineSpec } from '~/app/_charts/types';
import { useChartChoices } from '~/app/_live/chartSettings';
import { useTimeline } from '~/app/_live/lists';
import { useSeries } from '~/app/_live/series';
import { useWanted } from '~/app/_live/useHistory';
import { useView } from '~/app/_live/useRun';
import { useChartNotes } from '~/app/_run/notes/useChartNotes';
import { Nothing, PanelBody } from '~/app/_run/PanelBody';
import type { WithLists } from '~/shared/view';
import { ChartControls } from './ChartControls';
import { lineOf } from './chartLines';
import { Fold, WhenSeen } from './Fold';
import { drawnIn, type MainChart, mainCharts, metricCharts } from './mainCharts';
import { SeriesGroups } from './SeriesGroups';
import { matcher, wordsOf } from './seriesSearch';
import { useCharts, useClipRule, useNotice } from './useCharts';

const none: WithLists['evaluations'] = [];
/** Metrics of evaluations that have their charts on top; the others are folded below. */
const METRICS_ON_TOP = 4;
const METRICS = 'other metrics of evaluations';

/** Every recorded number of the run as curves under one cursor, zoom and smoothing. */
export function CurvesPanel() {
  const series = useSeries();
  const evaluations = useTimeline((v) => v.evaluations, none);
  const begun = useView((v) => v.device !== null || v.streamCount > 0, false);
  const search = useChartChoices((c) => c.search);
  const { test } = useMemo(() => matcher(search), [search]);
  const { charts, more } = useMemo(() => {
    const metrics = metricCharts(evaluations);
    return {
      charts: [...mainCharts(series, evaluations), ...metrics.slice(0, METRICS_ON_TOP)],
      more: metrics.slice(METRICS_ON_TOP),
    };
  }, [series, evaluations]);
  const drawn = useMemo(() => drawnIn(charts), [charts]);
  const [shown, others] = useMemo(() => {
    const words = (c: MainChart) => [
      c.title,
      ...series.filter((s) => c.lines.some((l) => l.name === s.name)).flatMap(wordsOf),
      ...c.points.map((p) => p.label),
    ];
    const found = (c: MainChart) => search === '' || words(c).some(test);
    return [charts.filter(found), more.filter(found)];
  }, [charts, more, series, search, test]);
  return (
    <PanelBody title="Curves" tools={<ChartControls />}>
      {series.length === 0 && evaluations.length === 0 && (
        <Nothing>
          {begun ? 'Nothing has been logged yet.' : 'The run has not begun: its curves appear with its first rows.'}
        </Nothing>
      )}
      <div className="@container p-3" hidden={shown.length === 0}>
        <div className={`grid grid-cols-1 gap-x-4 gap-y-3 ${abreast(shown.length)}`}>
          {shown.map((c) => (
            <Main key={c.id} chart={c} />
          ))}
        </div>
      </div>
      <SeriesGroups drawn={drawn} test={test} search={search} matched={shown.length + others.length > 0} />
      {others.length > 0 && (
        <Fold name={METRICS} count={`${others.length} metrics`} openAtFirst={false} searching={search !== ''}>
          {others.map((c) => (
            <WhenSeen key={c.id} height={252}>
              <Main chart={c} />
            </WhenSeen>
          ))}
        </Fold>
      )}
    </PanelBody>
  );
}

/** Charts side by side: as many as fill their rows, so never three and one. */
function abreast(charts: number): string {
  if (charts <= 1) return '';
  if (charts % 4 === 0) return '@2xl:grid-cols-2 @7xl:grid-cols-4';
  return charts % 3 === 0 ? '@2xl:grid-cols-2 @5xl:grid-cols-3' : '@2xl:grid-cols-2';
}

const Main = memo(function Main({ chart }: { chart: MainChart }) {
  const { history, chart: shared } = useCharts();
  const rule = useClipRule(history);
  const names = useMemo(() => chart.lines.map((l) => l.name), [chart]);
  useWanted(
    history,
    names,
    chart.lines.some((l) => l.smoothed),
  );
  const notice = useNotice(history, names);
  const notes = useChartNotes();
  const lines: LineSpec[] = useMemo(() => chart.lines.map((l) => lineOf(history, l.name, l)), [chart, history]);
  return (
    <LineChart
      {...shared}
      title={chart.title}
      lines={lines}
      points={chart.points}
      rule={chart.clip ? rule : null}
      percent={chart.percent}
      notice={notice}
      {...notes}
    />
  );
});
