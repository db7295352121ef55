import { useMemo } from 'react';
import { asWeights, deriveMaps, mapOfHeads } from '~/app/_charts/attention/derive';
import { SequenceReader } from '~/app/_charts/attention/SequenceReader';
import { SetReader } from '~/app/_charts/attention/SetReader';
import { TextReader } from '~/app/_charts/attention/TextReader';
import { Choose } from '~/app/_components/Choose';
import { Remark } from '~/app/_components/Remark';
import { attentionView } from '~/app/_live/attentionView';
import { readerOf } from '~/shared/aboutSnapshot';
import { focusStore } from './focusStore';
import { useLit, useWorkspace } from './workspaceContext';

const massOptions = [
  { value: '0', text: 'top key of each answer' },
  { value: '0.5', text: 'half of the weight' },
  { value: '0.7', text: '70 % of the weight' },
  { value: '0.9', text: '90 % of the weight' },
] as const;

/** The model's input and answer, beside what it attended to: as much as the snapshot declares. */
export function Reader({ width }: { width: number }) {
  const { scene, large, view } = useWorkspace();
  const { lit } = useLit();
  const { snapshot, source, shown } = scene;
  const reader = readerOf(snapshot);
  // The lines show this step's own weights, also while the map shows a difference.
  const weights = useMemo(() => {
    if (large.quantity === 'weight') return large.values;
    return mapOfHeads(deriveMaps(snapshot, asWeights(source), null), large.head, shown, 'mean').values;
  }, [large, snapshot, source, shown]);
  if (reader === 'none') return null;
  if (source.kind !== 'example')
    return <Remark>An average has no inputs or answers of its own: choose an example to read one.</Remark>;
  const tokens = scene.tokensOf(large.layer);
  const common = { snapshot, example: source.example, lit, onFocus: focusStore.send };
  if (reader === 'set') return <SetReader {...common} tokens={tokens.keys} />;
  // Answers belong to the queries of the last layer: a map of another size has no lines to them.
  const last = snapshot.layers.at(-1)!;
  if (large.size.queries !== last.queries)
    return <Remark>This map has other queries than the model's answers: choose a head of the last layer to read them.</Remark>;
  if (reader === 'text') return <TextReader {...common} map={weights} size={large.size} tokens={tokens} />;
  return (
    <div>
      <SequenceReader {...common} map={weights} size={large.size} tokens={tokens} mass={view.mass} width={width} />
      <Choose
        label="lines"
        options={massOptions}
        value={String(view.mass)}
        onPick={(mass) => attentionView.set({ mass: Number(mass) })}
      />
    </div>
  );
}
