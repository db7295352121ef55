import { useMemo } from 'react';
import { ruleAt } from '~/app/_charts/draw';
import { HeatMap } from '~/app/_charts/HeatMap';
import { Button } from '~/app/_components/Button';
import { count } from '~/app/_components/format';
import { Segments } from '~/app/_components/Segments';
import { chartChoices, useChartChoices } from '~/app/_live/chartSettings';
import { useCursor } from '~/app/_live/cursor';
import { useMoreSeries } from '~/app/_live/moreSeries';
import { useSeries } from '~/app/_live/series';
import { useWanted } from '~/app/_live/useHistory';
import { useView } from '~/app/_live/useRun';
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
  const held = useSeries();
  const left = useView((v) => v.columnCount, 0) - held.length;
  const others = useMoreSeries(history, held, left, '');
  const norms = useMemo(() => [...held, ...others.series].filter(ofParameter), [held, others.series]);
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
      {others.more && (
        <p className="flex flex-wrap items-center gap-2 border-b border-line px-3 py-1.5 text-xs text-dim">
          {`${count(norms.length)} parameters are shown. The run has ${count(left - others.series.length)} more series than the page holds.`}
          {others.error && <span className="text-bad">{others.error}</span>}
          <Button size="small" disabled={others.reading} onClick={others.read}>
            {others.series.length > 0 ? 'Show more of them' : 'Show them'}
          </Button>
        </p>
      )}
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
