import { useMemo } from 'react';
import { ruleAt } from '~/app/_charts/draw';
import { HeatMap } from '~/app/_charts/HeatMap';
import { Segments } from '~/app/_components/Segments';
import { chartChoices, useChartChoices } from '~/app/_live/chartSettings';
import { useCursor } from '~/app/_live/cursor';
import { useSeries } from '~/app/_live/series';
import { useWanted } from '~/app/_live/useHistory';
import { PanelBody } from '~/app/_run/PanelBody';
import type { Series } from '~/shared/series';
import { lineOf, seriesLabel } from './chartLines';
import { RunChart } from './RunChart';
import { useCharts, useClipRule, useNotice } from './useCharts';

const ofParameter = (s: Series) => s.role === 'gradNormOf';

/** Gradient norm of every parameter, as a heat map over all steps or as lines. */
export function GradientPanel() {
  const charts = useCharts();
  const { history, chart } = charts;
  const rule = useClipRule(history);
  const all = useSeries();
  const norms = useMemo(() => all.filter(ofParameter), [all]);
  const names = norms.map((s) => s.name);
  const look = useChartChoices((c) => c.gradients);
  const step = useCursor((c) => c.step);
  useWanted(history, names);
  const notice = useNotice(history, names);
  const looks = useMemo(() => norms.map((s, i) => ({ name: s.name, label: seriesLabel(s), color: i, smoothed: true })), [norms]);
  const rows = useMemo(() => looks.map((l) => lineOf(history, l)), [looks, history]);
  const value = rule ? ruleAt(rule, step) : null;
  const limit = useMemo(() => (value === null ? null : { label: 'clip (of the whole norm)', value }), [value]);
  return (
    <PanelBody
      title="Gradients"
      tools={
        <Segments
          label="Show gradients as"
          options={[
            { value: 'map', label: 'Map' },
            { value: 'lines', label: 'Lines' },
          ]}
          value={look}
          onChange={(gradients) => chartChoices.set({ gradients })}
        />
      }
    >
      <div className="p-3">
        {look === 'map' ? (
          <HeatMap {...chart} title="Norm by parameter and step" rows={rows} limit={limit} notice={notice} />
        ) : (
          <RunChart charts={charts} title="Norm by parameter" looks={looks} rule={rule} height={300} />
        )}
      </div>
    </PanelBody>
  );
}
