import { useEffect, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { useReadOnly } from '~/app/_live/readOnly';
import { choices, useChoices } from '~/app/_live/remembered';
import { tilesIn } from '~/app/_live/tiles';
import { useView } from '~/app/_live/useRun';
import { reveal, useWorkspace } from '~/app/_live/workspace';
import { useNarrow } from './useMedia';

/** Four parts of the page, explained to people who see a run for the first time. `target` is the id of the part's element. */
const stops: readonly { target: string; text: string; show?: () => void }[] = [
  {
    target: 'main',
    text: 'Every step is drawn here as it happens. Click a curve to pin a step; everything on the page then shows that step.',
    show: () => reveal('curves', 'center'),
  },
  {
    target: 'timeline',
    text: 'The timeline has a mark for each evaluation, snapshot, change and note. Drag along it to go back in time.',
  },
  {
    target: 'side',
    text: 'Change a value, evaluate or pause here, while the run trains. Everybody sees who changed what, from which value to which.',
    show: () => reveal('steer', 'side'),
  },
  {
    target: 'main',
    text: 'Attention shows what each head looks at, at any recorded step. Ctrl K finds everything else; “?” explains keys and gestures.',
    show: () => reveal('attention', 'center'),
  },
];

/**
 * A short tour on a run of a recipe. It waits, and waits again at its first stop, while the curves, of which that speaks, are not on the
 * page: a link to another panel stays as it is. Once it was completed or dismissed, it is not shown to this person again, and it ends in the
 * other tabs.
 */
export function Tour() {
  const narrow = useNarrow();
  const curves = useWorkspace(({ center, last }) =>
    narrow && last !== null
      ? last === 'curves'
      : tilesIn(center).some(({ open }, i) => open === 'curves' && (!narrow || i === 0)),
  );
  const begins = useView((v) => v.setup.recipe !== null && v.step > 0, false) && curves;
  const readOnly = useReadOnly();
  const fresh = useChoices(() => choices.get().settled && choices.read('tour') !== 'seen', false);
  const [at, setAt] = useState(0);
  if (readOnly || !fresh || (at === 0 && !begins)) return null;
  const stop = stops[at]!;
  const end = () => choices.write('tour', 'seen');
  const go = (to: number) => {
    stops[to]!.show?.();
    setAt(to);
  };
  return (
    <section
      aria-label="Tour"
      className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-accent/50 bg-accent/10 px-4 py-1"
    >
      <span className="shrink-0 text-xs text-dim">
        {at + 1} of {stops.length}
      </span>
      <p className="min-w-0 flex-1 basis-60" aria-live="polite">
        {stop.text}
      </p>
      <span className="flex gap-1">
        {at > 0 && (
          <Button size="small" onClick={() => go(at - 1)}>
            Back
          </Button>
        )}
        {at < stops.length - 1 && (
          <Button size="small" look="primary" onClick={() => go(at + 1)}>
            Next
          </Button>
        )}
        <Button size="small" look={at < stops.length - 1 ? 'bare' : 'primary'} onClick={end}>
          {at < stops.length - 1 ? 'Skip the tour' : 'Done'}
        </Button>
      </span>
      <Ring target={stop.target} />
    </section>
  );
}

/** A frame around the part of the page that the tour explains; it ignores clicks. */
function Ring({ target }: { target: string }) {
  const [box, setBox] = useState<{ left: number; top: number; width: number; height: number } | null>(null);
  useEffect(() => {
    const look = () => {
      // A phone shows one part at a time.
      const rect = document.getElementById(document.getElementById(target) ? target : 'main')?.getBoundingClientRect();
      setBox(rect && rect.width > 0 ? { left: rect.left, top: rect.top, width: rect.width, height: rect.height } : null);
    };
    look();
    const timer = setInterval(look, 500);
    return () => clearInterval(timer);
  }, [target]);
  return box && <div aria-hidden className="pointer-events-none fixed z-30 rounded border-2 border-accent" style={box} />;
}
