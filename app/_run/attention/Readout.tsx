import type { Focus } from '~/app/_charts/attention/focus';
import { type Large, quantityWords } from './large';
import type { Scene } from './useScene';

/** The exact number under the pointer, in one line of fixed height, so that nothing moves. */
export function Readout({ scene, large, focus }: { scene: Scene; large: Large; focus: Focus }) {
  const spot = focus.hovered ?? focus.pinned;
  const { keys, queries } = scene.maps;
  const token = (t: number) => {
    const { text, picture, name } = scene.tokens[t] ?? { text: '', picture: null, name: '' };
    return scene.snapshot.task === 'reverse' && scene.source.kind === 'example'
      ? `${t + 1} (${text})`
      : picture || name
        ? name
        : String(t + 1);
  };
  let text = '';
  if (spot && spot.query !== null && spot.key !== null && spot.query < queries && spot.key < keys) {
    const row = large.values.subarray(spot.query * keys, (spot.query + 1) * keys);
    const value = row[spot.key]!;
    const digits = Number.isFinite(value)
      ? `${large.quantity === 'difference' && value > 0 ? '+' : ''}${value.toFixed(4)}`
      : String(value);
    const lift =
      large.quantity === 'weight' && Number.isFinite(value)
        ? ` · ${(value * keys).toFixed(value * keys < 10 ? 2 : 1)}× uniform`
        : '';
    text = `query ${token(spot.query)} → key ${token(spot.key)}: ${digits}${lift}`;
  }
  return (
    <p className="h-5 truncate font-mono text-xs text-ink" data-testid="readout" title={text}>
      {text || <span className="font-sans text-dim">point at a cell for its {quantityWords[large.quantity]}; click to pin</span>}
    </p>
  );
}
