import { useMemo } from 'react';
import { useSeries } from '~/app/_live/series';
import { WhenSeen } from '~/app/_run/curves/Fold';
import { nameInGroup } from '~/app/_run/curves/grouping';
import { SeriesChart } from '~/app/_run/curves/RunChart';
import { useCharts } from '~/app/_run/curves/useCharts';
import { Nothing, PanelBody } from '~/app/_run/PanelBody';
import { isSystem } from './systemGroup';

/** The machine's load during training: CPU, memory, disk, GPU, as the trainer reports it. */
export function SystemPanel() {
  const charts = useCharts();
  const series = useSeries();
  const system = useMemo(() => series.filter(isSystem), [series]);
  if (system.length === 0) return <Nothing>The trainer has said nothing of its machine yet.</Nothing>;
  return (
    <PanelBody title="System">
      <div className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,18rem),1fr))] gap-x-4 gap-y-3 p-3" data-testid="system">
        {system.map((s, i) => (
          <WhenSeen key={s.name} height={172}>
            <SeriesChart
              charts={charts}
              name={s.name}
              title={`${nameInGroup(s.name, 'system')}${s.unit && ` (${s.unit})`}`}
              color={i}
              among={system}
              smoothed={false}
              height={140}
            />
          </WhenSeen>
        ))}
      </div>
    </PanelBody>
  );
}
