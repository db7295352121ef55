'use client';

import { useMemo } from 'react';
import { ruleAt } from '~/app/_charts/draw';
import { HeatMap } from '~/app/_charts/HeatMap';
import { LineChart } from '~/app/_charts/LineChart';
import { Panel } from '~/app/_components/Panel';
import { chartChoices, useChartChoices } from '~/app/_live/chartSettings';
import { useCursor } from '~/app/_live/cursor';
import { useWanted } from '~/app/_live/useHistory';
import { useView } from '~/app/_live/useRun';
import { useChartNotes } from '~/app/_run/notes/useChartNotes';
import { lineOf, parameterLabel } from './chartLines';
import { useCharts, useNotice } from './useCharts';

const prefix = 'gradNorm/';

/** Gradient norm of every parameter: a map over all steps, or lines. */
export function GradientPanel() {
  const { history, chart, rule } = useCharts();
  const notes = useChartNotes();
  const look = useChartChoices((c) => c.gradients);
  const names = useView((v) => v.series.filter((s) => s.name.startsWith(prefix)).map((s) => s.name), [] as string[]);
  const started = useView((v) => v.series.length > 0, false);
  const step = useCursor((c) => c.step);
  useWanted(history, names, look === 'lines');
  const notice = useNotice(history, names);
  const lines = useMemo(
    () =>
      names.map((name, i) =>
        lineOf(history, name, { label: parameterLabel(name.slice(prefix.length)), color: i, smoothed: true }),
      ),
    [names, history],
  );
  const value = rule ? ruleAt(rule, step) : null;
  const limit = useMemo(() => (value === null ? null : { label: 'clip (of the whole norm)', value }), [value]);
  return (
    <Panel
      title="Gradients by parameter"
      aside={
        <fieldset className="flex overflow-hidden rounded border border-line text-xs">
          <legend className="sr-only">Show gradients as</legend>
          {(['map', 'lines'] as const).map((kind) => (
            <button
              key={kind}
              type="button"
              aria-pressed={look === kind}
              onClick={() => chartChoices.set({ gradients: kind })}
              className={`px-2 py-0.5 ${look === kind ? 'bg-accent/15 text-ink' : 'text-dim hover:text-ink'}`}
            >
              {kind === 'map' ? 'Map' : 'Lines'}
            </button>
          ))}
        </fieldset>
      }
    >
      <div className="p-3">
        {started && names.length === 0 ? (
          <p className="text-dim">This run does not record gradient norms by parameter.</p>
        ) : look === 'map' ? (
          <HeatMap {...chart} title="Norm by parameter and step" rows={lines} limit={limit} notice={notice} />
        ) : (
          <LineChart {...chart} {...notes} title="Norm by parameter" lines={lines} rule={rule} notice={notice} height={300} />
        )}
      </div>
    </Panel>
  );
}
