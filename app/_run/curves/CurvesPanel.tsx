import { memo, useMemo } from 'react';
import type { LineChartProps } from '~/app/_charts/LineChart';
import { Button } from '~/app/_components/Button';
import type { ChartPlan } from '~/app/_live/chartPlan';
import { chartChoices, useChartChoices } from '~/app/_live/chartSettings';
import { useTimeline } from '~/app/_live/lists';
import { useSeries } from '~/app/_live/series';
import { useView } from '~/app/_live/useRun';
import { reveal } from '~/app/_live/workspace';
import { Nothing, PanelBody } from '~/app/_run/PanelBody';
import { usePresenting } from '~/app/_run/shell/useMedia';
import { ended, type WithLists } from '~/shared/view';
import { ChartControls } from './ChartControls';
import { ChartGrid, useChartHeight } from './ChartGrid';
import { ChartEditor, chartItems } from './EditChart';
import { Fold, WhenSeen } from './Fold';
import { drawnIn, type MainChart, mainCharts, metricCharts, noSuchSeries, ownCharts } from './mainCharts';
import { RunChart } from './RunChart';
import { SeriesGroups } from './SeriesGroups';
import { matcher, wordsOf } from './seriesSearch';
import { type Charts, useCharts, useClipRule } from './useCharts';

const none: WithLists['evaluations'] = [];
/** Number of evaluation metrics with a chart at the top; the charts of the others are folded below. */
const METRICS_ON_TOP = 4;
const METRICS = 'other metrics of evaluations';
const onPlan = (plan: ChartPlan) => chartChoices.set({ plan });

const whyEmpty = (begun: boolean, over: boolean): string =>
  begun
    ? 'No number has been logged.'
    : over
      ? 'The run ended before it began.'
      : 'The run has not begun: its curves appear with its first rows.';

/** Every recorded number of the run as curves with one cursor, zoom and smoothing. */
export function CurvesPanel() {
  const presenting = usePresenting();
  const all = useCharts();
  const series = useSeries();
  const evaluations = useTimeline((v) => v.evaluations, none);
  const empty = useView((v) => whyEmpty(v.device !== null || v.streamCount > 0, ended(v.status)), '');
  const samples = useView((v) => v.counts.media.count > 0, false);
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
  const menus = useMemo(() => {
    const ids = charts.map((c) => c.id);
    const own = (c: MainChart) => ({ ...c, series: c.lines.map((l) => l.name), range: c.range ?? ([null, null] as const) });
    return new Map(charts.map((c) => [c, chartItems(own(c), ids, { plan, onPlan })]));
  }, [charts, plan]);
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
    <PanelBody title="Curves" tools={!presenting && <ChartControls />}>
      {series.length === 0 && evaluations.length === 0 && (
        <Nothing>
          {empty}
          {samples && (
            <Button size="small" className="ml-2" onClick={() => reveal('samples', 'center')}>
              Show its samples
            </Button>
          )}
        </Nothing>
      )}
      <ChartGrid>
        {shown.map((c) => (
          <Main key={c.id} charts={all} chart={c} menu={menus.get(c)} />
        ))}
      </ChartGrid>
      <ChartEditor plan={plan} known={series.map((s) => s.name)} onPlan={onPlan} />
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

const Main = memo(function Main({ charts, chart, menu }: { charts: Charts; chart: MainChart; menu?: LineChartProps['menu'] }) {
  const { title, lines, points, percent, range, clip, missing = [] } = chart;
  const empty = missing.length > 0 && lines.length + points.length === 0 ? noSuchSeries(missing) : null;
  const rule = useClipRule(charts.history, clip);
  return (
    <RunChart
      {...{ charts, title, points, percent, range, rule, menu, missing, empty }}
      looks={lines}
      height={useChartHeight()}
    />
  );
});
