'use client';

import { memo, useMemo } from 'react';
import { LineChart } from '~/app/_charts/LineChart';
import { useSeries } from '~/app/_live/series';
import { useWanted } from '~/app/_live/useHistory';
import { lineOf } from '~/app/_run/curves/chartLines';
import { WhenSeen } from '~/app/_run/curves/Fold';
import { nameInGroup } from '~/app/_run/curves/grouping';
import { useCharts, useNotice } from '~/app/_run/curves/useCharts';
import { Nothing, PanelBody } from '~/app/_run/PanelBody';
import type { Series } from '~/shared/series';
import { isSystem } from './systemGroup';

/** The machine's load during training: CPU, memory, disk, GPU, as the trainer reports it. */
export function SystemPanel() {
  const series = useSeries();
  const system = useMemo(() => series.filter(isSystem), [series]);
  if (system.length === 0) return <Nothing>The trainer has said nothing of its machine yet.</Nothing>;
  return (
    <PanelBody title="System">
      <div className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,18rem),1fr))] gap-x-4 gap-y-3 p-3" data-testid="system">
        {system.map((s, i) => (
          <WhenSeen key={s.name} height={172}>
            <One series={s} color={i} />
          </WhenSeen>
        ))}
      </div>
    </PanelBody>
  );
}

const One = memo(function One({ series, color }: { series: Series; color: number }) {
  const { history, chart } = useCharts();
  const names = useMemo(() => [series.name], [series.name]);
  useWanted(history, names);
  const notice = useNotice(history, names);
  const lines = useMemo(() => [lineOf(history, series.name, { label: 'value', color })], [history, series, color]);
  return (
    <LineChart
      {...chart}
      title={`${nameInGroup(series.name, 'system')}${series.unit && ` (${series.unit})`}`}
      lines={lines}
      notice={notice}
      height={140}
    />
  );
});
