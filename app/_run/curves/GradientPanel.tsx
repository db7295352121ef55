'use client';

import { useMemo } from 'react';
import { ruleAt } from '~/app/_charts/draw';
import { HeatMap } from '~/app/_charts/HeatMap';
import { LineChart } from '~/app/_charts/LineChart';
import { Segments } from '~/app/_components/Segments';
import { chartChoices, useChartChoices } from '~/app/_live/chartSettings';
import { useCursor } from '~/app/_live/cursor';
import { useSeries } from '~/app/_live/series';
import { useWanted } from '~/app/_live/useHistory';
import { useChartNotes } from '~/app/_run/notes/useChartNotes';
import { PanelBody } from '~/app/_run/PanelBody';
import type { Series } from '~/shared/series';
import { lineOf, seriesLabel } from './chartLines';
import { useCharts, useClipRule, useNotice } from './useCharts';

const ofParameter = (s: Series) => s.role === 'gradNormOf';

/** Gradient norm of every parameter, as a heat map over all steps or as lines. */
export function GradientPanel() {
  const { history, chart } = useCharts();
  const rule = useClipRule(history);
  const all = useSeries();
  const norms = useMemo(() => all.filter(ofParameter), [all]);
  const names = useMemo(() => norms.map((s) => s.name), [norms]);
  const notes = useChartNotes();
  const look = useChartChoices((c) => c.gradients);
  const step = useCursor((c) => c.step);
  useWanted(history, names, look === 'lines');
  const notice = useNotice(history, names);
  const lines = useMemo(
    () => norms.map((s, i) => lineOf(history, s.name, { label: seriesLabel(s), color: i, smoothed: true })),
    [norms, history],
  );
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
          <HeatMap {...chart} title="Norm by parameter and step" rows={lines} limit={limit} notice={notice} />
        ) : (
          <LineChart {...chart} {...notes} title="Norm by parameter" lines={lines} rule={rule} notice={notice} height={300} />
        )}
      </div>
    </PanelBody>
  );
}
