'use client';

import { memo, type ReactNode, useMemo } from 'react';
import { MenuItem } from '~/app/_charts/ChartMenu';
import { LineChart } from '~/app/_charts/LineChart';
import type { LineSpec } from '~/app/_charts/types';
import { type ChartPlan, moved, type OwnChart, withChart, withoutChart } from '~/app/_live/chartPlan';
import { chartChoices, useChartChoices } from '~/app/_live/chartSettings';
import { useTimeline } from '~/app/_live/lists';
import { useSelected } from '~/app/_live/select';
import { useSeries } from '~/app/_live/series';
import { createStore } from '~/app/_live/store';
import { useWanted } from '~/app/_live/useHistory';
import { useView } from '~/app/_live/useRun';
import { useChartNotes } from '~/app/_run/notes/useChartNotes';
import { Nothing, PanelBody } from '~/app/_run/PanelBody';
import type { WithLists } from '~/shared/view';
import { ChartControls } from './ChartControls';
import { lineOf } from './chartLines';
import { EditChart } from './EditChart';
import { Fold, WhenSeen } from './Fold';
import { drawnIn, type MainChart, mainCharts, metricCharts, ownCharts } from './mainCharts';
import { SeriesGroups } from './SeriesGroups';
import { matcher, wordsOf } from './seriesSearch';
import { type Charts, useChartHeight, useCharts, useClipRule, useNotice } from './useCharts';

const none: WithLists['evaluations'] = [];
/** Number of evaluation metrics with a chart at the top; the charts of the others are folded below. */
const METRICS_ON_TOP = 4;
const METRICS = 'other metrics of evaluations';

/** Every recorded number of the run as curves with one cursor, zoom and smoothing. */
export function CurvesPanel() {
  const all = useCharts();
  const series = useSeries();
  const evaluations = useTimeline((v) => v.evaluations, none);
  const begun = useView((v) => v.device !== null || v.streamCount > 0, false);
  const search = useChartChoices((c) => c.search);
  const plan = useChartChoices((c) => c.plan);
  const { test } = useMemo(() => matcher(search), [search]);
  const { charts, more } = useMemo(() => {
    const metrics = metricCharts(evaluations);
    return {
      charts: ownCharts(plan, [...mainCharts(series, evaluations), ...metrics.slice(0, METRICS_ON_TOP)], series),
      more: metrics.slice(METRICS_ON_TOP),
    };
  }, [series, evaluations, plan]);
  const drawn = useMemo(() => drawnIn(charts), [charts]);
  const menus = useMemo(() => new Map(charts.map((c) => [c, <ChartItems key={c.id} chart={c} shown={charts} />])), [charts]);
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
            <Main key={c.id} charts={all} chart={c} menu={menus.get(c)} />
          ))}
        </div>
      </div>
      <ChartEditor />
      <SeriesGroups charts={all} drawn={drawn} test={test} search={search} matched={shown.length + others.length > 0} />
      {others.length > 0 && (
        <Fold name={METRICS} count={`${others.length} metrics`} openAtFirst={false} searching={search !== ''}>
          {others.map((c) => (
            <WhenSeen key={c.id} height={252}>
              <Main charts={all} chart={c} />
            </WhenSeen>
          ))}
        </Fold>
      )}
    </PanelBody>
  );
}

/** Number of charts per row, chosen so that rows are full: never three and one. */
function abreast(charts: number): string {
  if (charts <= 1) return '';
  // On a tall screen two rows of two fill the space that one row of four would leave empty.
  if (charts % 4 === 0) return '@2xl:grid-cols-2 [@media(max-height:1199px)]:@7xl:grid-cols-4';
  return charts % 3 === 0 ? '@2xl:grid-cols-2 @5xl:grid-cols-3' : '@2xl:grid-cols-2';
}

/** More items of a chart's menu. */
function ChartItems({ chart, shown }: { chart: MainChart; shown: readonly MainChart[] }) {
  const plan = useChartChoices((c) => c.plan);
  const ids = shown.map((c) => c.id);
  const put = (next: ChartPlan) => chartChoices.set({ plan: next });
  const made = chart.id.startsWith('own ');
  return (
    <>
      <MenuItem
        onClick={() =>
          chartEditor.set({ chart: { ...chart, series: chart.lines.map((l) => l.name), range: chart.range ?? [null, null] } })
        }
      >
        Change series and range …
      </MenuItem>
      {ids.indexOf(chart.id) > 0 && <MenuItem onClick={() => put(moved(plan, ids, chart.id, -1))}>Move earlier</MenuItem>}
      {ids.indexOf(chart.id) < ids.length - 1 && (
        <MenuItem onClick={() => put(moved(plan, ids, chart.id, 1))}>Move later</MenuItem>
      )}
      {!made && plan.own.some((c) => c.id === chart.id) && (
        <MenuItem onClick={() => put(withoutChart(plan, chart.id, true))}>As it was</MenuItem>
      )}
      <MenuItem onClick={() => put(withoutChart(plan, chart.id, made))}>Take away</MenuItem>
    </>
  );
}

/** The chart whose form is open. The chart's menu sets it and then unmounts. */
const chartEditor = createStore<{ chart: OwnChart | null }>({ chart: null });

function ChartEditor() {
  const { chart } = useSelected(chartEditor, (e) => e);
  const plan = useChartChoices((c) => c.plan);
  const close = () => chartEditor.set({ chart: null });
  if (!chart) return null;
  const { id, title, series, range } = chart;
  return (
    <EditChart
      key={id}
      chart={{ id, title, series, range }}
      onSave={(next) => {
        chartChoices.set({ plan: withChart(plan, next) });
        close();
      }}
      onClose={close}
    />
  );
}

const Main = memo(function Main({ charts, chart, menu }: { charts: Charts; chart: MainChart; menu?: ReactNode }) {
  const { history, chart: shared } = charts;
  const rule = useClipRule(history, chart.clip);
  const names = useMemo(() => chart.lines.map((l) => l.name), [chart]);
  useWanted(
    history,
    names,
    chart.lines.some((l) => l.smoothed),
  );
  const notice = useNotice(history, names);
  const notes = useChartNotes();
  const height = useChartHeight();
  const lines: LineSpec[] = useMemo(() => chart.lines.map((l) => lineOf(history, l.name, l)), [chart, history]);
  return (
    <LineChart
      {...shared}
      title={chart.title}
      lines={lines}
      points={chart.points}
      rule={rule}
      percent={chart.percent}
      notice={notice}
      range={chart.range}
      height={height}
      menu={menu}
      {...notes}
    />
  );
});
