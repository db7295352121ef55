import { activityEvent } from './activity';
import type { CheckpointRef, Entry } from './events';
import type { MediaEvent } from './media';
import type { NoteBefore, NoteEvent } from './notes';
import { revertRecord, takesBack } from './revert';
import {
  type CommandRecord,
  ended,
  isOpened,
  type ListItems,
  type ListKind,
  type MediaItem,
  type RunStatus,
  type RunView,
  type StatusItem,
} from './view';

/**
 * The lists that grow with a run, entry by entry. The store, the view (for its newest items) and pages (for what they have
 * loaded) apply the same rule. Applying a change twice leaves the list as it is.
 */
export type Put = { [K in ListKind]: { op: 'put'; kind: K; item: ListItems[K] } }[ListKind];

export type ListChange =
  /** Adds an item. A command that was proposed and is now requested moves to its new seq. */
  | Put
  /** New values for some fields of a command or a note. */
  | { op: 'patch'; kind: 'commands' | 'notes'; id: string; patch: Partial<CommandRecord> | Partial<ListItems['notes']> }
  /** Removes items by seq; a note by its id, together with its replies. */
  | { op: 'drop'; kind: 'snapshots' | 'checkpoints'; seqs: readonly number[] }
  | { op: 'drop'; kind: 'notes'; id: string; replies: number }
  /**
   * The entry at `seq` takes the run back: items of later steps are no longer in force; of those at `fromStep` the ones up to
   * `keepSeq` stay. `left`: items of each such list then in force, where the log says so.
   */
  | { op: 'supersede'; seq: number; fromStep: number; keepSeq: number; left?: Readonly<Record<string, number>> | undefined }
  /** The entry at `seq` takes the commands back to those that a checkpoint holds. */
  | { op: 'revert'; seq: number; checkpoint: CheckpointRef };

/** The lists whose items belong to a step of the run and are superseded when the run goes back before it. */
export const ofSteps: readonly ListKind[] = ['evaluations', 'snapshots', 'checkpoints', 'analyses', 'media'];
export const isOfSteps = (kind: ListKind): boolean => ofSteps.includes(kind);

/** An entry's changes to the lists; `view` is the view before it. */
export function listChanges(view: RunView, entry: Entry): ListChange[] {
  const changes = kindChanges(view, entry);
  const activity = activityEvent(entry.event);
  if (activity) {
    const { seq, at } = entry;
    changes.push({ op: 'put', kind: 'activity', item: { seq, at, step: view.step, event: activity } });
  }
  return changes;
}

function kindChanges(view: RunView, { seq, at, event }: Entry): ListChange[] {
  const status = statusAfter(view, { event });
  const statuses: ListChange[] = status ? [{ op: 'put', kind: 'statuses', item: { ...status, seq, at } }] : [];
  const outcome = (id: string, value: CommandRecord['outcome']): ListChange[] => [
    { op: 'patch', kind: 'commands', id, patch: { outcome: value } },
  ];
  switch (event.type) {
    case 'run.assigned':
    case 'rewind': {
      const fromStep = event.type === 'rewind' ? event.step : event.fromStep;
      const supersede: ListChange = {
        op: 'supersede',
        seq,
        fromStep,
        keepSeq: keepSeqOf(view, event),
        left: event.resumed?.counts,
      };
      const { pendingRevert } = view;
      return [
        ...statuses,
        supersede,
        ...(pendingRevert ? [{ op: 'revert', seq, checkpoint: pendingRevert.checkpoint } as const] : []),
      ];
    }
    case 'status':
    case 'trainer.lost':
    case 'trainer.back':
      return statuses;
    case 'evaluation':
      return [{ op: 'put', kind: 'evaluations', item: { ...event, seq, at } }];
    case 'snapshot': {
      const { signals: _signals, layers: _layers, ...rest } = event;
      return [{ op: 'put', kind: 'snapshots', item: { ...rest, seq, at } }];
    }
    case 'checkpoint':
      return [{ op: 'put', kind: 'checkpoints', item: { ...event, seq, at } }];
    case 'alert':
      return [{ op: 'put', kind: 'alerts', item: { ...event, seq, at } }];
    case 'media':
      return [{ op: 'put', kind: 'media', item: mediaItem(event, seq, at) }];
    case 'analysis':
      return [{ op: 'put', kind: 'analyses', item: { ...event, seq, at } }];
    case 'command.proposed':
    case 'command.requested': {
      const { actor, command } = event;
      const asked: CommandRecord = {
        seq,
        at,
        actor,
        command,
        askedAtStep: view.step,
        ...(ended(view.status) && { afterEnd: true }),
        ...(takesBack(view, command) && { takesBack: true }),
        outcome: { status: event.type === 'command.proposed' ? 'proposed' : 'requested' },
      };
      return [{ op: 'put', kind: 'commands', item: asked }];
    }
    case 'proposal.answered': {
      if (event.approved) return [];
      const asked = view.openCommands.find((c) => c.command.id === event.commandId);
      const message = `${event.actor.name} ${asked?.actor.id === event.actor.id ? 'took it back' : 'declined it'}`;
      return outcome(event.commandId, { status: 'refused', seq, at, step: view.step, reason: 'forbidden', message });
    }
    case 'command.scheduled':
      return outcome(event.commandId, { status: 'scheduled', message: event.message });
    case 'command.applied': {
      const { commandId, step, before, after, message } = event;
      return outcome(commandId, { status: 'applied', seq, at, step, before, after, message });
    }
    case 'command.refused': {
      const { commandId, step, reason, message } = event;
      return outcome(commandId, { status: 'refused', seq, at, step, reason, message });
    }
    case 'command.queued':
      return [{ op: 'patch', kind: 'commands', id: event.commandId, patch: { position: event.position } }];
    case 'note': {
      const { note, actor: author } = event;
      switch (note.kind) {
        case 'add': {
          const { id, anchor, text, replyTo } = note;
          const item = { id, anchor, text, replyTo, author, seq, at, editedAt: null, resolved: false };
          return [{ op: 'put', kind: 'notes', item }];
        }
        case 'edit':
          return [{ op: 'patch', kind: 'notes', id: note.id, patch: { text: note.text, editedAt: at } }];
        case 'resolve':
          return [{ op: 'patch', kind: 'notes', id: note.id, patch: { resolved: note.resolved } }];
        case 'delete':
          return [{ op: 'drop', kind: 'notes', id: note.id, replies: noteBefore(view, event)?.replies ?? 0 }];
      }
      break;
    }
    case 'snapshots.thinned':
      return [{ op: 'drop', kind: 'snapshots', seqs: event.seqs }];
    case 'checkpoints.thinned':
      return [{ op: 'drop', kind: 'checkpoints', seqs: event.seqs }];
  }
  return [];
}

/** Characters of an inline text that lists keep. */
const INLINE_CHARACTERS = 1000;

function mediaItem({ type: _type, ...event }: MediaEvent, seq: number, at: number): MediaItem {
  if (event.text === undefined || event.text.length <= INLINE_CHARACTERS) return { ...event, seq, at };
  return { ...event, text: event.text.slice(0, INLINE_CHARACTERS), letters: event.text.length, seq, at };
}

/** A note before people changed it: as the server recorded it; for logs of version 0.1, as far as the view holds the note. */
export function noteBefore(view: RunView, { note, was }: NoteEvent): NoteBefore | null {
  if (was) return was;
  const notes = view.recent.notes.items;
  const found = notes.find((n) => n.id === note.id);
  if (!found) return null;
  const replies = notes.filter((n) => n.replyTo === note.id).length;
  return { thread: found.replyTo === null, resolved: found.resolved, replies };
}

/** The status that an event gives the run; null = it stays as it is. */
export function statusAfter(view: RunView, { event }: Pick<Entry, 'event'>): StatusItem | null {
  const status = (to: RunStatus, step: number, message: string): StatusItem => ({ status: to, step, message });
  switch (event.type) {
    case 'run.assigned':
      return isOpened(view)
        ? status('starting', event.fromStep, `${event.trainer.name} opened it at step ${event.fromStep}`)
        : status('starting', event.fromStep, `${event.trainer.name} takes over from step ${event.fromStep}`);
    case 'status':
      return status(event.status, event.step, event.message);
    case 'trainer.lost': {
      // A run that has ended waits for a trainer again when people took it back to a checkpoint.
      const stays = ended(view.status) ? view.pendingRevert === null : view.status === 'waiting';
      return stays ? null : status('waiting', view.step, event.message);
    }
    case 'trainer.back':
      return view.status === 'waiting' || view.status === 'crashed'
        ? status(view.statusBeforeLoss ?? 'running', view.step, 'trainer is back')
        : null;
    default:
      return null;
  }
}

/**
 * The seq up to which items of the step that a takeover resumes from stay in force: that of the checkpoint, which is the last
 * entry of its step's boundary; 0 = none of them. Logs of version 0.1 lack it; it is then searched for in the view.
 */
export function keepSeqOf(view: RunView, event: Extract<Entry['event'], { type: 'run.assigned' | 'rewind' }>): number {
  if (event.keepSeq !== undefined) return event.keepSeq;
  if (event.type === 'rewind') return 0;
  const { checkpoint, fromStep } = event;
  if (!checkpoint) return 0;
  const known = [...view.recent.checkpoints.items, view.lastCheckpoint, view.pendingRevert?.checkpoint ?? null];
  return Math.max(0, ...known.map((c) => (c?.blob.hash === checkpoint.hash && c.step === fromStep ? c.seq : 0)));
}

/** Whether an item of such a list stays in force when the run goes back. */
export function staysInForce(
  kind: ListKind,
  item: { seq: number; step: number; checkpointSeq?: number | undefined },
  { seq, fromStep, keepSeq }: { seq: number; fromStep: number; keepSeq: number },
): boolean {
  if (item.seq > seq || item.step < fromStep) return true;
  // The answer to a question about a checkpoint stays with the checkpoint.
  const since = kind === 'analyses' ? (item.checkpointSeq ?? item.seq) : item.seq;
  return item.step === fromStep && since <= keepSeq;
}

/** The list after a change; the same array when the change does not touch it. `items` ascend by seq. */
export function applyToList<K extends ListKind>(kind: K, items: ListItems[K][], change: ListChange): ListItems[K][] {
  switch (change.op) {
    case 'put':
      return change.kind === kind ? withItem(kind, items, change.item as ListItems[K]) : items;
    case 'patch': {
      if (change.kind !== kind) return items;
      const at = items.findLastIndex((item) => idOf(kind, item) === change.id);
      return at < 0 ? items : items.with(at, { ...items[at]!, ...change.patch } as ListItems[K]);
    }
    case 'drop':
      if (change.kind !== kind) return items;
      return keeping(items, (item) =>
        change.kind === 'notes'
          ? (item as unknown as ListItems['notes']).id !== change.id &&
            (item as unknown as ListItems['notes']).replyTo !== change.id
          : !change.seqs.includes(item.seq),
      );
    case 'supersede':
      if (!isOfSteps(kind)) return items;
      return keeping(items, (item) => staysInForce(kind, item as ListItems['analyses'], change));
    case 'revert': {
      if (kind !== 'commands') return items;
      const next = (items as CommandRecord[]).map((c) => revertRecord(c, change));
      return next.some((c, i) => c !== items[i]) ? (next as ListItems[K][]) : items;
    }
  }
}

export const idOf = <K extends ListKind>(kind: K, item: ListItems[K]): string | null =>
  kind === 'commands' ? (item as CommandRecord).command.id : kind === 'notes' ? (item as unknown as ListItems['notes']).id : null;

function withItem<K extends ListKind>(kind: K, items: ListItems[K][], item: ListItems[K]): ListItems[K][] {
  const id = idOf(kind, item);
  const others = id === null ? items : keeping(items, (i) => i.seq === item.seq || idOf(kind, i) !== id);
  const last = others.at(-1);
  if (!last || last.seq < item.seq) return [...others, item];
  const at = others.findIndex((i) => i.seq >= item.seq);
  return others.toSpliced(at, others[at]!.seq === item.seq ? 1 : 0, item);
}

function keeping<T>(items: T[], keep: (item: T) => boolean): T[] {
  return items.every(keep) ? items : items.filter(keep);
}
