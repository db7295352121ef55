import { memo, useMemo } from 'react';
import { type HeadColumn, type HeadRow, HeadTable } from '~/app/_charts/attention/HeadTable';
import { allHeads, type HeadId, type Hidden, solo, toggle } from '~/app/_charts/attention/selection';
import { attentionView } from '~/app/_live/attentionView';
import { useList } from '~/app/_live/lists';
import type { AttentionSnapshot } from '~/shared/attentionSnapshot';
import { ablationAt } from './analysisText';
import { pickHead } from './focusStore';
import { baselineAt, headValue, nameOfHead } from './signalText';

interface HeadsProps {
  /** The snapshot whose heads the table lists. */
  snapshot: AttentionSnapshot;
  hidden: Hidden;
  active: { layer: number; head: number } | null;
}

const ablations: readonly HeadColumn[] = [
  { id: '\0mean', label: 'Δloss mean', help: 'loss with this head’s output replaced by its mean, minus the loss', digits: 3 },
  { id: '\0zero', label: 'Δloss zero', help: 'loss with this head’s output set to zero, minus the loss', digits: 3 },
];

/** What each head does at this step, over all probe examples: the signals that the snapshot declares, and the ablation results. */
export const Heads = memo(function Heads({ snapshot, hidden, active }: HeadsProps) {
  const analyses = useList('analyses', 200);
  const { layers, signals } = snapshot;
  const columns = useMemo(
    (): HeadColumn[] => [
      ...signals.map(({ name, title, meaning, range }) => ({ id: name, label: title, help: meaning, digits: range ? 2 : 3 })),
      ...ablations,
    ],
    [signals],
  );
  const rows = useMemo(
    () =>
      allHeads(layers).map(([layer, head]): HeadRow => {
        const own = signals.map((signal) => headValue(signal, layers, layer, head));
        const ablation = ablationAt(analyses, snapshot.step, layer, head);
        return {
          layer,
          head,
          values: [...own, ablation?.mean ?? Number.NaN, ablation?.zero ?? Number.NaN],
          name: nameOfHead(signals.map((signal, i) => ({ signal, value: own[i]!, baseline: baselineAt(signal, layer) }))),
        };
      }),
    [layers, signals, analyses, snapshot.step],
  );
  const act = useMemo(
    () => ({
      onPick: pickHead,
      onToggle: (id: HeadId) => attentionView.set({ hidden: [...toggle(new Set(attentionView.get().hidden), [id], layers)] }),
      onSolo: (id: HeadId) => attentionView.set({ hidden: [...solo(new Set(attentionView.get().hidden), [id], layers)] }),
    }),
    [layers],
  );
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard. */}
      <section className="relative max-h-96 overflow-auto" tabIndex={0} aria-label="table of heads">
        <HeadTable columns={columns} rows={rows} named={signals.some((s) => s.names)} hidden={hidden} active={active} {...act} />
      </section>
      <p className="mt-1 text-2xs text-dim">
        Where a head looks is not yet why the model answers: switch heads off to see what they are worth.
      </p>
    </>
  );
});
