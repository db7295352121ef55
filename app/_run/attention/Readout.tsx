import { useEffect } from 'react';
import type { Focus } from '~/app/_charts/attention/focus';
import type { Token } from '~/app/_charts/attention/tokens';
import type { Snapshots } from '~/app/_live/snapshots';
import { visibleKeys } from '~/shared/attention';
import { hasMaps } from '~/shared/attentionSnapshot';
import { type Large, quantityWords } from './large';
import type { Scene } from './useScene';

/** How long the pointer rests on one cell of one snapshot before its exact number is fetched. */
const restMs = 200;

/** The number under the pointer, in one line of fixed height so that nothing moves. It says whether the number is exact. */
export function Readout({ snapshots, scene, large, focus }: { snapshots: Snapshots; scene: Scene; large: Large; focus: Focus }) {
  const spot = focus.hovered ?? focus.pinned;
  const { keys, queries } = large.size;
  const { snapshot, recorded, source, other } = scene;
  const inside = spot !== null && spot.query !== null && spot.key !== null && spot.query < queries && spot.key < keys;
  const example = source.kind === 'example' ? source.example : null;
  const exact = hasMaps(snapshot, example, true) && (!other || hasMaps(other, example, true));
  useEffect(() => {
    if (!inside || exact) return;
    const timer = setTimeout(() => snapshots.feed.want(recorded, example, true), restMs);
    return () => clearTimeout(timer);
  }, [inside, exact, snapshots.feed, recorded, example]);

  const tokens = scene.tokensOf(large.layer);
  const name = (token: Token | undefined, t: number) => {
    if (!token) return String(t + 1);
    return token.picture || token.text === String(t + 1) ? token.name : `${t + 1} (${token.text})`;
  };
  let text = '';
  if (inside && spot?.query !== null && spot?.query !== undefined && spot.key !== null) {
    const where = `query ${name(tokens.queries[spot.query], spot.query)} → key ${name(tokens.keys[spot.key], spot.key)}`;
    const visible = visibleKeys(large.size, spot.query);
    if (spot.key >= visible) text = `${where}: masked, this query may not look at it`;
    else {
      const value = large.values[spot.query * keys + spot.key]!;
      const digits = exact ? 4 : 3;
      const number = Number.isFinite(value)
        ? `${exact ? '' : '≈ '}${large.quantity === 'difference' && value > 0 ? '+' : ''}${value.toFixed(digits)}`
        : String(value);
      const times = value * visible;
      const lift =
        large.quantity === 'weight' && Number.isFinite(value) ? ` · ${times.toFixed(times < 10 ? 2 : 1)}× uniform` : '';
      const kept = snapshot.stored === 'f32' ? 'exact' : `as recorded, ${snapshot.stored}`;
      text = `${where}: ${number}${lift} · ${exact ? kept : 'rounded'}`;
    }
  }
  return (
    <p className="h-5 truncate font-mono text-xs text-ink" data-testid="readout" data-exact={exact} title={text}>
      {text || <span className="font-sans text-dim">point at a cell for its {quantityWords[large.quantity]}; click to pin</span>}
    </p>
  );
}
