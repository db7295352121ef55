import { useTheme } from 'next-themes';
import { Suspense, useReducer, useState } from 'react';
import { focusReducer, noFocus } from '~/app/_charts/attention/focus';
import { sequentialPalettes } from '~/app/_charts/attention/palettes';
import { Button } from '~/app/_components/Button';
import { Select } from '~/app/_components/Field';
import { Awaited, later } from '~/app/_components/later';
import { Panel } from '~/app/_components/Panel';
import { type Comparison, fewestPanes, mostPanes } from '~/app/_live/comparison';
import { useRunsBeside } from '~/app/_live/runsBeside';

const Panes = later(() => import('~/app/_run/attention/panes/Panes').then((m) => ({ default: m.Panes })));

/**
 * One pane for each run that has snapshots, and for others of the page where those are fewer than two; the cursor of the first pane sets the
 * step of all panes.
 */
export const comparisonOf = (looked: readonly string[], runIds: readonly string[]): Comparison => ({
  panes: Array.from({ length: Math.min(mostPanes, Math.max(fewestPanes, looked.length)) }, (_, n) => ({
    run: looked[n] ?? runIds.find((id) => !looked.includes(id)) ?? looked[0]!,
    at: 'linked',
    source: { example: 0 },
    head: null,
  })),
  align: 'step',
  scale: 'unit',
  minus: null,
  lead: null,
});

/** The panes of these runs; null = too few are left for a comparison. */
export function withoutRuns(comparison: Comparison, kept: readonly string[]): Comparison | null {
  const panes = comparison.panes.filter((p) => p.run === null || kept.includes(p.run));
  if (panes.length === comparison.panes.length) return comparison;
  const { lead } = comparison;
  return panes.length < fewestPanes
    ? null
    : { ...comparison, panes, minus: null, lead: lead && kept.includes(lead.run) ? lead : null };
}

/** The attention of the compared runs, in panes that share one cursor. */
export function AttentionCompared(props: {
  runs: readonly { runId: string; name: string }[];
  comparison: Comparison;
  onChange: (comparison: Comparison) => void;
}) {
  const { runs, comparison, onChange } = props;
  const theme = useTheme().resolvedTheme === 'light' ? 'light' : 'dark';
  const [focus, send] = useReducer(focusReducer, noFocus);
  const [palette, setPalette] = useState<(typeof sequentialPalettes)[number]>('viridis');
  const [asTable, setAsTable] = useState(false);
  const first = runs[0]!.runId;
  const known = useRunsBeside(
    comparison.panes.map((p) => p.run ?? first),
    null,
  );
  const lead = comparison.lead && known.has(comparison.lead.run) ? comparison.lead : null;
  const leader = comparison.panes[0]!.run ?? first;
  const newest = known.get(leader)?.feed.recorded.at(-1)?.step ?? 0;
  return (
    <Panel
      title="Attention"
      aside={
        <span className="flex items-center gap-1.5">
          <Select
            aria-label="palette"
            className="h-6! w-auto! font-sans"
            options={sequentialPalettes}
            value={palette}
            onPick={setPalette}
          />
          <Button size="small" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
            {asTable ? 'as a map' : 'as a table'}
          </Button>
        </span>
      }
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions: Escape unpins, wherever in the panel the focus is. */}
      <div onKeyDown={(e) => e.key === 'Escape' && send({ type: 'escape' })} onScrollCapture={() => send({ type: 'scroll' })}>
        <Suspense fallback={<Awaited className="h-96 bg-raised/40">Loading…</Awaited>}>
          <Panes
            comparison={comparison}
            onChange={onChange}
            runs={known}
            offered={runs.map(({ runId, name }) => ({ run: runId, name }))}
            ownRun={first}
            position={lead ? { run: lead.run, step: lead.step } : { run: leader, step: newest }}
            onMove={({ run, step }) => onChange({ ...comparison, lead: { run, step, own: step } })}
            focus={focus}
            onFocus={send}
            palette={palette}
            theme={theme}
            flip={false}
            asTable={asTable}
          />
        </Suspense>
      </div>
    </Panel>
  );
}
