'use client';

import { memo, useMemo } from 'react';
import { type HeadRow, RoleTable } from '~/app/_charts/attention/RoleTable';
import { type HeadId, type Hidden, solo, toggle } from '~/app/_charts/attention/selection';
import { attentionView } from '~/app/_live/attentionView';
import { useView } from '~/app/_live/useRun';
import { headScores, roleOf } from '~/shared/attention';
import { type AttentionSnapshot, mapOf, oddPositions } from '~/shared/attentionSnapshot';
import { ablationAt } from './analysisText';
import { focusStore } from './focusStore';

interface HeadsProps {
  /** Whose heads are in the table. */
  snapshot: AttentionSnapshot;
  hidden: Hidden;
  active: { layer: number; head: number } | null;
}

/** What each head does at the step shown, over all probe examples. */
export const Heads = memo(function Heads({ snapshot, hidden, active }: HeadsProps) {
  const analyses = useView((v) => v.analyses, []);
  const rows = useMemo(() => headRows(snapshot), [snapshot]);
  const withAblation = useMemo(
    () => rows.map((r) => ({ ...r, ablation: ablationAt(analyses, snapshot.step, r.layer, r.head) })),
    [rows, analyses, snapshot.step],
  );
  const { layers, heads } = snapshot;
  const act = useMemo(
    () => ({
      onPick: ([layer, head]: HeadId) => focusStore.send({ type: 'click', spot: { layer, head, query: null, key: null } }),
      onToggle: (id: HeadId) =>
        attentionView.set({ hidden: [...toggle(new Set(attentionView.get().hidden), [id], layers, heads)] }),
      onSolo: (id: HeadId) => attentionView.set({ hidden: [...solo(new Set(attentionView.get().hidden), [id], layers, heads)] }),
    }),
    [layers, heads],
  );
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by key. */}
      <section className="max-h-96 overflow-auto" tabIndex={0} aria-label="table of heads">
        <RoleTable rows={withAblation} hidden={hidden} active={active} {...act} />
      </section>
      <p className="mt-1 text-2xs text-dim">
        Where a head looks is not yet why the model answers: switch heads off to see what they are worth.
      </p>
    </>
  );
});

function headRows(s: AttentionSnapshot): HeadRow[] {
  const odd = oddPositions(s);
  return Array.from({ length: s.layers * s.heads }, (_, n) => {
    const [layer, head] = [Math.floor(n / s.heads), n % s.heads];
    const scores = headScores(
      Array.from({ length: s.examples }, (_, e) => mapOf(s, e, layer, head)),
      s,
      odd,
    );
    const drift = s.signals.drift;
    const width = s.layers * s.heads;
    let sum = drift ? 0 : Number.NaN;
    if (drift) for (let e = 0; e < s.examples; e++) sum += drift[e * width + n]!;
    return { layer, head, scores, role: roleOf(scores, s.keys), drift: sum / s.examples, ablation: null };
  });
}
