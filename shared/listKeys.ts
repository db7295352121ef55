/** The keys by which a list is searched. */
import { idOf } from './lists';
import type { CommandRecord, ListItems, ListKind } from './view';

export interface ItemKeys {
  /** Position on the run's timeline; null = none. */
  step: number | null;
  /** Unique in its list. */
  id: string | null;
  /**
   * Its subject: a blob (snapshots, checkpoints), the checkpoint asked about (analyses), the thread answered (notes), the control
   * or action (commands).
   */
  ref: string | null;
  /** Its kind: the split (evaluations), the trigger (snapshots, checkpoints), the status (statuses, commands), the level (alerts), the event (activity). */
  tag: string | null;
}

export function keysOf<K extends ListKind>(kind: K, item: ListItems[K]): ItemKeys {
  const id = idOf(kind, item);
  const keys = keysByKind[kind](item);
  return { id, ...keys };
}

const keysByKind: { [K in ListKind]: (item: ListItems[K]) => Omit<ItemKeys, 'id'> } = {
  evaluations: (e) => ({ step: e.step, ref: null, tag: e.split }),
  snapshots: (s) => ({ step: s.step, ref: s.blob.hash, tag: s.trigger }),
  checkpoints: (c) => ({ step: c.step, ref: c.blob.hash, tag: c.trigger }),
  alerts: (a) => ({ step: a.step, ref: a.kind, tag: a.level }),
  statuses: (s) => ({ step: s.step, ref: null, tag: s.status }),
  commands: (c) => ({
    step: stepOfCommand(c),
    ref: c.command.kind === 'set' ? c.command.control : c.command.action,
    tag: c.undone ? 'undone' : c.outcome.status,
  }),
  analyses: (a) => ({ step: a.step, ref: a.checkpoint ?? null, tag: a.kind }),
  notes: (n) => ({ step: n.anchor.step, ref: n.replyTo, tag: n.resolved ? 'resolved' : 'open' }),
  activity: (a) => ({ step: a.step, ref: null, tag: a.event.type }),
  media: (m) => ({ step: m.step, ref: m.name, tag: m.kind }),
};

/** The step where a command took effect; for a revert, the step that the run went back to. */
function stepOfCommand({ takesBack, outcome, askedAtStep }: CommandRecord): number | null {
  if (outcome.status === 'applied') return takesBack && typeof outcome.after === 'number' ? outcome.after : outcome.step;
  return (outcome.status === 'refused' ? outcome.step : null) ?? askedAtStep ?? null;
}

/** Items that differ in these keys do not stand for each other in a sample: a result on one split, or a change of one control, says nothing of another. */
export const subjectKeys: Partial<Record<ListKind, readonly ('ref' | 'tag')[]>> = {
  evaluations: ['tag'],
  commands: ['ref', 'tag'],
};
/** With more subjects than this for each part of the range, items are not told apart by subject: samples stay small. */
export const mostSubjects = 4;
