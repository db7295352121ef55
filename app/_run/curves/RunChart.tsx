import { memo, useMemo } from 'react';
import { LineChart, type LineChartProps } from '~/app/_charts/LineChart';
import { SERIES_PER_QUESTION } from '~/app/_live/levelReader';
import { useWanted } from '~/app/_live/useHistory';
import { useChartNotes } from '~/app/_run/notes/useChartNotes';
import { type LineLook, lineOf } from './chartLines';
import { type Charts, useNotice } from './useCharts';

type OwnProps = Pick<LineChartProps, 'title' | 'points' | 'missing' | 'rule' | 'percent' | 'range' | 'height' | 'menu'>;

/** A chart of some of the run's series, with its notes. @param empty why it has none */
export function RunChart({
  charts,
  looks,
  empty = null,
  ...own
}: OwnProps & { charts: Charts; looks: readonly LineLook[]; empty?: string | null }) {
  const { history, chart } = charts;
  const names = looks.map((l) => l.name);
  useWanted(
    history,
    names,
    looks.some((l) => l.smoothed),
  );
  const lines = useMemo(() => looks.map((look) => lineOf(history, look)), [history, looks]);
  return <LineChart {...chart} {...useChartNotes()} {...own} lines={lines} notice={useNotice(history, names) ?? empty} />;
}

/** A chart of one series. `among`: the series with charts around it; some are read with it, since a request for each chart would cost more than its numbers. */
export const SeriesChart = memo(function SeriesChart(
  props: Pick<LineLook, 'name' | 'color' | 'smoothed'> & {
    /** What the legend calls the line; if left out, the title of the chart is its name. */
    label?: string;
    among: readonly { name: string }[];
    charts: Charts;
    title: string;
    height: number;
  },
) {
  const { name, label, color, smoothed, among, ...rest } = props;
  const at = among.findIndex((s) => s.name === name);
  const first = at - (at % SERIES_PER_QUESTION);
  const together = among.slice(first, first + SERIES_PER_QUESTION).map((s) => s.name);
  useWanted(rest.charts.history, together, smoothed);
  const looks = useMemo(
    () => [{ name, label: label ?? 'value', titled: label === undefined, color, smoothed }],
    [name, label, color, smoothed],
  );
  return <RunChart {...rest} looks={looks} />;
});
