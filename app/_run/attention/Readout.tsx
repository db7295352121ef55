import { useEffect } from 'react';
import { describeToken } from '~/app/_charts/attention/tokens';
import { visibleKeys } from '~/shared/attention';
import { hasMaps } from '~/shared/attentionSnapshot';
import { quantityWords } from './large';
import { useLit, useWorkspace } from './workspaceContext';

/** How long the pointer rests on one cell of one snapshot before its exact number is fetched. */
const restMs = 200;

/** The number under the pointer, in one line, on a phone two, of fixed height so that nothing moves. It says whether the number is exact. */
export function Readout() {
  const { snapshots, scene, large } = useWorkspace();
  const { focus } = useLit();
  const spot = focus.hovered ?? focus.pinned;
  const [query, key] = [spot?.query ?? null, spot?.key ?? null];
  const { keys, queries } = large.size;
  const { snapshot, recorded, example, other } = scene;
  const inside = query !== null && key !== null && query < queries && key < keys;
  const exact = hasMaps(snapshot, example, true) && (!other || hasMaps(other, example, true));
  useEffect(() => {
    if (!inside || exact) return;
    const timer = setTimeout(() => snapshots.feed.want(recorded, example, true), restMs);
    return () => clearTimeout(timer);
  }, [inside, exact, snapshots.feed, recorded, example]);

  const tokens = scene.tokensOf(large.layer);
  let text = '';
  if (inside) {
    const where = `query ${describeToken(tokens.queries[query], query)} → key ${describeToken(tokens.keys[key], key)}`;
    const visible = visibleKeys(large.size, query);
    if (key >= visible) text = `${where}: masked, this query may not look at it`;
    else {
      const value = large.values[query * keys + key]!;
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
    <p
      className="line-clamp-1 h-5 font-mono max-sm:line-clamp-2 max-sm:h-10 text-xs text-ink"
      data-testid="readout"
      data-exact={exact}
      title={text}
    >
      {text || <span className="font-sans text-dim">point at a cell for its {quantityWords[large.quantity]}; click to pin</span>}
    </p>
  );
}
