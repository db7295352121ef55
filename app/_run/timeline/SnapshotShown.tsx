import { Said } from '~/app/_components/Said';
import { useCursor } from '~/app/_live/cursor';
import { useMissingStep, useSnapshotWords } from './snapshotWords';

/**
 * Says that the run has no such step, where there is no room to say which snapshot is shown.
 *
 * @param said the open timeline has it already; a phone still needs it on the screen
 */
export function MissingStep({ said }: { said: boolean }) {
  const missing = useMissingStep();
  return (
    missing && (
      <p aria-hidden={said} className={`px-3 pb-1 text-xs text-warn ${said ? 'min-[900px]:hidden' : ''}`}>
        {missing}
      </p>
    )
  );
}

/** Which snapshot the panels show. */
export function SnapshotShown() {
  return (
    <span
      className="ml-auto min-w-0 truncate text-xs text-dim"
      title="Panels that need a snapshot show the nearest one; of two equally near, the earlier."
    >
      <span className="max-[899px]:sr-only">{useSnapshotWords()}</span>
    </span>
  );
}

/** Tells a screen reader which step the page is pinned to; of a live one, nothing: it changes many times a second. */
export function StepSaid() {
  const live = useCursor((c) => c.mode === 'live');
  const words = useSnapshotWords();
  return <Said words={live ? '' : words} />;
}
