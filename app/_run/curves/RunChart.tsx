import { memo, useMemo } from 'react';
import { LineChart, type LineChartProps } from '~/app/_charts/LineChart';
import { useWanted } from '~/app/_live/useHistory';
import { useChartNotes } from '~/app/_run/notes/useChartNotes';
import { type LineLook, lineOf } from './chartLines';
import { type Charts, useNotice } from './useCharts';

type OwnProps = Pick<LineChartProps, 'title' | 'points' | 'rule' | 'percent' | 'range' | 'height' | 'menu'>;

/** A chart of some of the run's series, with its notes. */
export function RunChart({ charts, looks, ...own }: OwnProps & { charts: Charts; looks: readonly LineLook[] }) {
  const { history, chart } = charts;
  const names = looks.map((l) => l.name);
  useWanted(
    history,
    names,
    looks.some((l) => l.smoothed),
  );
  const lines = useMemo(() => looks.map((look) => lineOf(history, look)), [history, looks]);
  return <LineChart {...chart} {...useChartNotes()} {...own} lines={lines} notice={useNotice(history, names)} />;
}

/** A chart of one series. */
export const SeriesChart = memo(function SeriesChart(
  props: Pick<LineLook, 'name' | 'label' | 'color' | 'smoothed'> & { charts: Charts; title: string; height: number },
) {
  const { name, label, color, smoothed, ...rest } = props;
  const looks = useMemo(() => [{ name, label, color, smoothed }], [name, label, color, smoothed]);
  return <RunChart {...rest} looks={looks} />;
});
