import { memo } from 'react';
import { count } from '~/app/_components/format';
import { setCursor, useCursor } from '~/app/_live/cursor';
import type { Look } from '~/app/_live/snapshotFeed';

/** Which recorded step is shown for the requested step; it says so when the two differ. */
export const Standing = memo(function Standing({ look }: { look: Look }) {
  const mode = useCursor((c) => c.mode);
  const { step, nearest, shown, error } = look;
  if (!shown || !nearest) return null;
  const at = shown.recorded.step;
  const off = at - step;
  return (
    <span className="flex items-center gap-2 text-xs" data-testid="attention-step" data-step={at}>
      {error && (
        <span className="text-bad">
          step {count(nearest.step)}: {error}
        </span>
      )}
      {shown.recorded !== nearest && !error && <span className="text-warn">step {count(nearest.step)} loading</span>}
      <span className="text-dim">
        step <strong className="font-mono text-ink">{count(at)}</strong>
        {off !== 0 &&
          `${shown.recorded === nearest ? ', the nearest recorded' : ''}, ${count(Math.abs(off))} ${off < 0 ? 'before' : 'after'} ${count(step)}`}
      </span>
      {mode === 'pinned' ? (
        <button
          type="button"
          className="rounded border border-line px-1 text-dim hover:text-ink"
          onClick={() => setCursor.follow()}
        >
          follow
        </button>
      ) : (
        <span className="text-dim">following</span>
      )}
    </span>
  );
});
