import type { Entry } from './events';
import type { Actor } from './ids';
import { mentions } from './mentions';
import { ended, type RunView } from './view';

/** Something in a run's log that concerns one person, or a few: they are notified on every page. */
export interface Notice {
  /** Equal for notices of the same entry. */
  key: string;
  runId: string;
  /** The step to look at; null = the run as it is now. */
  step: number | null;
  title: string;
  detail: string;
  /** What it asks for; over with the entry of which `answeredBy` says the same, or its beginning. null = nothing. */
  asks: string | null;
}

/** @param view the run's view after the entry, `before` before it @returns null: it concerns nobody in particular */
export function noticeOf(
  view: RunView,
  { seq, at, event }: Entry,
  before: RunView,
): (Notice & { concerns(person: Actor): boolean }) | null {
  const { runId, setup, controlLock } = view;
  const notice = (
    title: string,
    concerns: (person: Actor) => boolean,
    detail = '',
    step: number | null = null,
    asks: string | null = null,
  ) => ({
    key: `${runId} ${seq}`,
    runId,
    step,
    title: `${setup.name}: ${title}`,
    detail,
    asks,
    concerns,
  });
  switch (event.type) {
    case 'note': {
      const { actor, note } = event;
      if (note.kind !== 'add') return null;
      const mentioned = (person: Actor) => person.id !== actor.id && mentions(note.text, person.name);
      return notice(
        `${actor.name} mentions you at step ${note.anchor.step}`,
        mentioned,
        note.text.slice(0, 200),
        note.anchor.step,
      );
    }
    case 'control.requested':
      return notice(
        `${event.actor.name} asks for the control lock`,
        (person) => person.id === controlLock?.holder.id,
        '',
        null,
        lockAsk(runId, event.actor),
      );
    case 'control.refused':
      return notice(`${event.actor.name} declined your request for the control lock`, (person) => person.id === event.asker.id);
    case 'control.locked': {
      const { actor, holder } = event;
      if (holder && holder.id !== actor.id)
        return notice(`${actor.name} handed the control lock to you`, (person) => person.id === holder.id);
      const was = before.controlLock;
      const lost = was && (was.until === null || was.until > at) ? [was.holder] : [];
      const concerned = holder ? lost : [...lost, ...(was?.askedBy ?? [])];
      return notice(
        `${actor.name} ${holder ? 'took the control lock from you' : 'released the control lock'}`,
        (person) => person.id !== actor.id && concerned.some((who) => who.id === person.id),
      );
    }
    case 'command.proposed': {
      const { actor, command } = event;
      const what = command.kind === 'set' ? `set ${command.control} to ${command.value}` : command.action;
      const mayAnswer = (person: Actor) => person.id !== actor.id && (person.role === 'operator' || person.role === 'admin');
      return notice(`${actor.name} asks for a second operator`, mayAnswer, what, null, `${runId} ${command.id}`);
    }
    case 'proposal.answered': {
      const asked = view.recent.commands.items.find((c) => c.command.id === event.commandId);
      const did = event.approved ? 'approved' : 'declined';
      return notice(
        `${event.actor.name} ${did} what you asked for`,
        (person) => person.id === asked?.actor.id && person.id !== event.actor.id,
      );
    }
    default:
      return null;
  }
}

/** That a person asks for the control lock; that anybody does, which all of them begin with. */
const lockAsk = (runId: string, asker?: Actor): string => `${runId} lock ${asker ? `${asker.id} ` : ''}`;

/** What an entry answers of what notices ask for, or the beginning of it; null: nothing. */
export function answeredBy(runId: string, { event }: Entry): string | null {
  switch (event.type) {
    case 'control.locked':
      return lockAsk(runId);
    case 'control.refused':
      return lockAsk(runId, event.asker);
    case 'proposal.answered':
      return `${runId} ${event.commandId}`;
    case 'status':
      return ended(event.status) ? `${runId} ` : null;
    default:
      return null;
  }
}
