import { memo, useMemo } from 'react';
import { LineChart } from '~/app/_charts/LineChart';
import { useWanted } from '~/app/_live/useHistory';
import { useChartNotes } from '~/app/_run/notes/useChartNotes';
import type { Series } from '~/shared/series';
import { lineOf } from './chartLines';
import { type Charts, useNotice } from './useCharts';

/** A chart of one series. */
export const SeriesChart = memo(function SeriesChart(props: {
  charts: Charts;
  series: Series;
  title: string;
  label: string;
  color: number;
  smoothed: boolean;
  height: number;
}) {
  const { charts, series, title, label, color, smoothed, height } = props;
  const { history, chart } = charts;
  const names = useMemo(() => [series.name], [series.name]);
  useWanted(history, names, smoothed);
  const notice = useNotice(history, names);
  const notes = useChartNotes();
  const lines = useMemo(
    () => [lineOf(history, series.name, { label, color, smoothed })],
    [history, series.name, label, color, smoothed],
  );
  return <LineChart {...chart} title={title} lines={lines} notice={notice} height={height} {...notes} />;
});
