import type { Entry, RunEvent } from '~/shared/events';
import { foldWithChanges } from '~/shared/fold';
import { applyToList, isOfSteps, type ListChange, staysInForce } from '~/shared/lists';
import { type GoingBack, resumedFrom } from '~/shared/resumed';
import { revertTarget, takesBack } from '~/shared/revert';
import { type ListItems, type ListKind, listKinds, type RunView } from '~/shared/view';

type Whole = { [K in ListKind]: ListItems[K][] };

/**
 * Completes the entries of a log of version 0.1, in order, with the fields that today's server writes into an entry because a
 * view no longer holds the lists (shared/events.ts: `keepSeq`, `resumed`, `asked`, `reverted`, `was`, `checkpointSeq`). Holds the
 * whole lists meanwhile. An entry of today is unchanged.
 */
export class CompleteLog {
  readonly #lists = Object.fromEntries(listKinds.map((kind) => [kind, []])) as unknown as Whole;

  /** The entry with its missing fields. `view` is the view before it. */
  complete(view: RunView, entry: Entry): Entry {
    const event = this.#completed(view, entry);
    return event === entry.event ? entry : { ...entry, event };
  }

  /** Applies an entry; must be called with every entry, in order. */
  add(view: RunView, entry: Entry): { view: RunView; changes: ListChange[] } {
    const folded = foldWithChanges(view, entry);
    for (const change of folded.changes) this.#apply(change);
    return folded;
  }

  #apply(change: ListChange): void {
    const lists = this.#lists as Record<ListKind, { seq: number }[]>;
    if (change.op === 'put' && change.kind !== 'commands') lists[change.kind].push(change.item);
    else for (const kind of listKinds) lists[kind] = applyToList(kind, lists[kind] as never[], change);
  }

  /** Items of each list that stay in force when the run goes back. */
  #counts(at: GoingBack): Record<string, number> {
    return Object.fromEntries(
      listKinds.filter(isOfSteps).map((kind) => {
        const items = this.#lists[kind] as ListItems['analyses'][];
        return [kind, items.filter((item) => staysInForce(kind, item, at)).length];
      }),
    );
  }

  #completed(view: RunView, { seq, event }: Entry): RunEvent {
    const { checkpoints, commands, notes } = this.#lists;
    switch (event.type) {
      case 'run.assigned': {
        if (event.resumed) return event;
        const { checkpoint, fromStep } = event;
        const resumes = checkpoint && checkpoints.findLast((c) => c.blob.hash === checkpoint.hash && c.step === fromStep);
        const keepSeq = event.keepSeq ?? resumes?.seq ?? 0;
        const at = { seq, fromStep, keepSeq };
        return { ...event, keepSeq, resumed: { counts: this.#counts(at), ...resumedFrom(view, at, this.#lists) } };
      }
      case 'rewind': {
        if (event.resumed) return event;
        const at = { seq, fromStep: event.step, keepSeq: event.keepSeq ?? 0 };
        return { ...event, resumed: { counts: this.#counts(at), ...resumedFrom(view, at, this.#lists) } };
      }
      case 'command.applied': {
        const open = view.openCommands.find((c) => c.command.id === event.commandId);
        const record = open ?? commands.find((c) => c.command.id === event.commandId);
        if (!record) return event;
        const { seq: asked, actor, command } = record;
        const target = takesBack(view, command) ? revertTarget(checkpoints, command) : null;
        if (open && !target) return event;
        return {
          ...event,
          ...(!open && { asked: { seq: asked, actor, command } }),
          ...(target && 'blob' in target && !event.reverted && { reverted: refOf(target) }),
        };
      }
      case 'note': {
        const { note } = event;
        const found = note.kind === 'resolve' || note.kind === 'delete' ? notes.find((n) => n.id === note.id) : undefined;
        if (!found || event.was) return event;
        const replies = notes.filter((n) => n.replyTo === note.id).length;
        return { ...event, was: { thread: found.replyTo === null, resolved: found.resolved, replies } };
      }
      case 'analysis': {
        if (event.checkpoint === undefined || event.checkpointSeq !== undefined) return event;
        const about = checkpoints.find((c) => c.blob.hash === event.checkpoint);
        return about ? { ...event, checkpointSeq: about.seq } : event;
      }
      default:
        return event;
    }
  }
}

export const refOf = ({ seq, step, blob, lastCommandSeq }: ListItems['checkpoints']) => ({ seq, step, blob, lastCommandSeq });

/** The fields that entries are completed with. */
const added = ['keepSeq', 'resumed', 'asked', 'reverted', 'was', 'checkpointSeq'] as const;

/** The entry without the fields that the server added. */
export function asSent(entry: Entry): Entry {
  const event: Record<string, unknown> = { ...entry.event };
  for (const field of added) delete event[field];
  return { ...entry, event: event as unknown as RunEvent };
}
