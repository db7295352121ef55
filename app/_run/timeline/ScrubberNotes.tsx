import { MarkGlyph } from '~/app/_charts/MarkGlyph';
import { mostNotes, useList } from '~/app/_live/lists';
import { describeAnchorAtStep, grouped, isThread } from '~/app/_run/notes/anchors';
import { noteDesk, placeOf } from '~/app/_run/notes/noteDesk';

/** Every thread that is not resolved, on the scrubber's track; those too near to be told apart share a glyph. */
export function ScrubberNotes({ px }: { px(step: number): number }) {
  const notes = useList('notes', mostNotes);
  const threads = notes.filter((n) => isThread(n) && !n.resolved);
  return grouped(threads, (n) => String(Math.round(px(n.anchor.step) / 14))).map(([key, group]) => (
    <button
      key={key}
      type="button"
      className="pointer-events-auto absolute top-0 grid size-4 -translate-x-1/2 place-items-center rounded-full hover:bg-accent/25"
      style={{ left: px(group[0]!.anchor.step) }}
      aria-label={
        group.length === 1
          ? `Note at ${describeAnchorAtStep(group[0]!.anchor)}: ${group[0]!.text.slice(0, 80)}`
          : `${group.length} notes about step ${group[0]!.anchor.step}`
      }
      title={group.map((n) => `${n.author.name}: ${n.text.slice(0, 120)}`).join('\n')}
      onClick={(e) => noteDesk.read(group, placeOf(e.currentTarget))}
    >
      <svg width={14} height={14} viewBox="-7 -7 14 14" aria-hidden>
        <circle r={6.5} fill="var(--color-panel)" />
        <MarkGlyph kind="note" color="var(--color-accent)" more={group.length > 1} />
      </svg>
    </button>
  ));
}
