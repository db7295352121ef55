import { formatStep } from '~/app/_charts/format';
import type { Anchor, Note } from '~/shared/notes';
import { formatValue } from '~/shared/numbers';
import { roleOf } from '~/shared/roles';
import type { WithLists } from '~/shared/view';

/** What a note is pinned to besides its step: "loss at 0.1234", "layer 1 head 2, query 3 to key 4" (counted from 1); '' = only the step. */
export function describeAnchor({ chart, value, head }: Anchor): string {
  const words = [];
  if (chart !== null) words.push(value == null ? chart : `${chart} at ${formatValue(value, 4)}`);
  if (head) words.push(`layer ${head.layer + 1} head ${head.head + 1}`);
  if (head?.cell) words.push(`query ${head.cell.query + 1} to key ${head.cell.key + 1}`);
  return words.join(', ');
}

/** "step 1,200, layer 1 head 2" */
export const describeAnchorAtStep = (anchor: Anchor): string =>
  [`step ${formatStep(anchor.step)}`, describeAnchor(anchor)].filter(Boolean).join(', ');

/**
 * The step to which the run was taken back after the note was written, if that is before the note's own step: what the note is about is no
 * longer part of the run, although the run may have reached that step again. null: it is.
 */
export function takenBackTo(view: Pick<WithLists, 'controls' | 'commands'>, { seq, anchor }: Note): number | null {
  for (const { command, outcome } of view.commands)
    if (outcome.status === 'applied' && outcome.seq > seq && roleOf(view, command) === 'revert')
      if (typeof outcome.after === 'number' && outcome.after < anchor.step) return outcome.after;
  return null;
}

export const isThread = (note: Note): boolean => note.replyTo === null;

/** Threads pinned to a head or to one of its cells; the nearest to `step` first. */
export function threadsOfHead(notes: readonly Note[], layer: number, head: number, step: number): Note[] {
  return notes
    .filter((n) => isThread(n) && !n.resolved && n.anchor.head?.layer === layer && n.anchor.head.head === head)
    .sort((a, b) => Math.abs(a.anchor.step - step) - Math.abs(b.anchor.step - step));
}
