import { activityEvent } from '~/shared/activity';
import type { Entry, Resumed, RunEvent } from '~/shared/events';
import { lastStepOf, seqCount } from '~/shared/rows';
import { type CommandRecord, ended, type ListItems, type ListKind, type RunStatus, waits } from '~/shared/view';

type Whole = { [K in ListKind]: ListItems[K][] };

/**
 * The complete lists of a run: every rule is a search through a whole list, as in version 0.1. Tests compare the bounded view, the
 * store and the page with these lists.
 */
export class NaiveLists {
  lists: Whole = {
    evaluations: [],
    snapshots: [],
    checkpoints: [],
    alerts: [],
    statuses: [],
    commands: [],
    analyses: [],
    notes: [],
    activity: [],
    media: [],
  };
  seq = 0;
  step = 0;
  status: RunStatus = 'queued';
  #beforeLoss: RunStatus | null = null;

  /** The checkpoint that the next trainer goes back to: the checkpoint of the newest revert, unless a trainer has taken over since. */
  pendingRevert(): ListItems['checkpoints'] | null {
    const { commands, statuses, checkpoints } = this.lists;
    const reverts = commands.filter((c) => c.takesBack && c.outcome.status === 'applied');
    const at = (c: CommandRecord) => (c.outcome.status === 'applied' ? c.outcome.seq : 0);
    const last = reverts.sort((a, b) => at(a) - at(b)).at(-1);
    const assigned = statuses.findLast((s) => s.status === 'starting')?.seq ?? 0;
    if (!last || at(last) < assigned || last.command.kind !== 'act') return null;
    const { step, checkpoint } = last.command.args;
    return (
      checkpoints.findLast(
        (c) => (step === undefined || c.step === step) && (checkpoint === undefined || c.blob.hash === checkpoint),
      ) ?? null
    );
  }

  kept(fromStep: number, keepSeq: number): Pick<Whole, 'evaluations' | 'snapshots' | 'checkpoints' | 'analyses' | 'media'> {
    const { evaluations, snapshots, checkpoints, analyses, media } = this.lists;
    const kept = (e: { step: number; seq: number }) => e.step < fromStep || (e.step === fromStep && e.seq <= keepSeq);
    return {
      evaluations: evaluations.filter(kept),
      snapshots: snapshots.filter(kept),
      checkpoints: checkpoints.filter(kept),
      media: media.filter(kept),
      analyses: analyses.filter((a) =>
        a.checkpoint ? checkpoints.some((c) => c.blob.hash === a.checkpoint && kept(c)) : kept(a),
      ),
    };
  }

  /** All commands after going back to `target`: later ones are undone, and commands that the target held wait again. */
  reverted(): CommandRecord[] {
    const target = this.pendingRevert();
    if (!target) return this.lists.commands;
    return this.lists.commands.map((c) => {
      const { outcome, command } = c;
      if ((outcome.status !== 'applied' && outcome.status !== 'refused') || outcome.seq <= target.seq) return c;
      if (command.when && c.seq <= target.lastCommandSeq && !(outcome.status === 'refused' && outcome.reason === 'forbidden'))
        return { ...c, outcome: { status: 'scheduled' as const, message: `waits again from step ${target.step} on` } };
      return outcome.status === 'applied' && !c.takesBack ? { ...c, undone: true as const } : c;
    });
  }

  /** The server's content of the entry that rewinds the run, from the complete lists. `controls`: the controls that people changed at or after `fromStep`. */
  resumed(fromStep: number, keepSeq: number, controls: readonly string[]): Resumed {
    const kept = this.kept(fromStep, keepSeq);
    const accuracy = (e: ListItems['evaluations']) => e.metrics.find((m) => m.main)?.value ?? Number.NaN;
    const best = kept.evaluations
      .filter((e) => !Number.isNaN(accuracy(e)))
      .reduce<ListItems['evaluations'] | null>((a, e) => (a === null || accuracy(e) > accuracy(a) ? e : a), null);
    const target = this.pendingRevert();
    const waiting = target
      ? this.reverted().filter(
          (c, i) => c.outcome.status === 'scheduled' && this.lists.commands[i]!.outcome.status !== 'scheduled',
        )
      : [];
    return {
      counts: {
        evaluations: kept.evaluations.length,
        snapshots: kept.snapshots.length,
        checkpoints: kept.checkpoints.length,
        analyses: kept.analyses.length,
        media: kept.media.length,
      },
      evaluations: kept.evaluations.filter((e, i, all) => all.findLastIndex((l) => l.split === e.split) === i),
      best,
      values: controls.map((control) => ({ control, state: this.changeBefore(control, fromStep, keepSeq) })),
      waiting: waiting.map(({ outcome: _outcome, ...asked }) => asked),
    };
  }

  changeBefore(control: string, fromStep: number, keepSeq: number): Resumed['values'][number]['state'] {
    const changes = this.lists.commands.flatMap((c) =>
      c.command.kind === 'set' && c.command.control === control && c.outcome.status === 'applied' && !c.undone
        ? [{ actor: c.actor, ...c.outcome }]
        : [],
    );
    const before = changes.filter((c) => c.step < fromStep || (c.step === fromStep && c.seq <= keepSeq));
    const last = before.sort((a, b) => a.seq - b.seq).at(-1);
    return last ? { value: last.after, changedBy: last.actor, changedAtStep: last.step } : null;
  }

  add({ seq, at, event }: Entry): void {
    const { lists, step } = this;
    const withSeq = <E>(e: E) => ({ ...e, seq, at });
    const status = (to: RunStatus, atStep: number, message: string, beforeLoss: RunStatus | null = null) => {
      lists.statuses.push(withSeq({ status: to, step: atStep, message }));
      this.status = to;
      this.#beforeLoss = beforeLoss;
    };
    const outcome = (id: string, value: CommandRecord['outcome']) => {
      lists.commands = lists.commands.map((c) => (c.command.id === id ? { ...c, outcome: value } : c));
    };
    const activity = activityEvent(event);
    if (activity) lists.activity.push({ seq, at, step, event: activity });
    switch (event.type) {
      case 'run.assigned': {
        const commands = this.reverted();
        Object.assign(lists, this.kept(event.fromStep, event.keepSeq ?? 0), { commands });
        status('starting', event.fromStep, `${event.trainer.name} takes over from step ${event.fromStep}`);
        this.step = event.fromStep;
        break;
      }
      case 'rows':
        this.step = lastStepOf(event) + 1;
        break;
      case 'evaluation':
        lists.evaluations.push(withSeq(event));
        break;
      case 'snapshot': {
        const { signals: _signals, layers: _layers, ...rest } = event;
        lists.snapshots.push(withSeq(rest));
        break;
      }
      case 'checkpoint':
        lists.checkpoints.push(withSeq(event));
        break;
      case 'alert':
        lists.alerts.push(withSeq(event));
        break;
      case 'media': {
        const { type: _type, ...rest } = event;
        lists.media.push({ ...rest, seq, at });
        break;
      }
      case 'analysis':
        lists.analyses.push(withSeq(event));
        break;
      case 'status':
        status(event.status, event.step, event.message);
        break;
      case 'trainer.lost':
        if (ended(this.status)) {
          if (this.pendingRevert()) status('waiting', step, event.message);
        } else if (this.status !== 'waiting') status('waiting', step, event.message, this.status);
        break;
      case 'trainer.back':
        if (this.status === 'waiting') status(this.#beforeLoss ?? 'running', step, 'trainer is back');
        break;
      case 'command.proposed':
      case 'command.requested': {
        const { actor, command } = event;
        const asked: CommandRecord = {
          seq,
          at,
          actor,
          command,
          askedAtStep: step,
          ...(ended(this.status) && { afterEnd: true as const }),
          ...(command.kind === 'act' && command.action === 'revert' && { takesBack: true as const }),
          outcome: { status: event.type === 'command.proposed' ? 'proposed' : 'requested' },
        };
        lists.commands = [...lists.commands.filter((c) => c.command.id !== command.id), asked];
        break;
      }
      case 'proposal.answered':
        if (!event.approved) {
          const own = lists.commands.some((c) => c.command.id === event.commandId && waits(c) && c.actor.id === event.actor.id);
          const message = `${event.actor.name} ${own ? 'took it back' : 'declined it'}`;
          outcome(event.commandId, {
            ...{ status: 'refused', seq, at, step, reason: 'forbidden', message },
          } as CommandRecord['outcome']);
        }
        break;
      case 'command.scheduled':
        outcome(event.commandId, { status: 'scheduled', message: event.message });
        break;
      case 'command.applied': {
        const { before, after, message } = event;
        outcome(event.commandId, { status: 'applied', seq, at, step: event.step, before, after, message });
        break;
      }
      case 'command.refused':
        outcome(event.commandId, { status: 'refused', seq, at, step: event.step, reason: event.reason, message: event.message });
        break;
      case 'command.queued':
        lists.commands = lists.commands.map((c) => (c.command.id === event.commandId ? { ...c, position: event.position } : c));
        break;
      case 'note':
        lists.notes = noted(lists.notes, event, seq, at);
        break;
      case 'snapshots.thinned':
        lists.snapshots = lists.snapshots.filter((s) => !event.seqs.includes(s.seq));
        break;
      case 'checkpoints.thinned':
        lists.checkpoints = lists.checkpoints.filter((c) => !event.seqs.includes(c.seq));
        break;
    }
    this.seq = seq + seqCount(event) - 1;
  }
}

function noted(
  notes: ListItems['notes'][],
  { actor: author, note }: Extract<RunEvent, { type: 'note' }>,
  seq: number,
  at: number,
) {
  switch (note.kind) {
    case 'add':
      return [
        ...notes,
        {
          id: note.id,
          anchor: note.anchor,
          text: note.text,
          replyTo: note.replyTo,
          author,
          seq,
          at,
          editedAt: null,
          resolved: false,
        },
      ];
    case 'edit':
      return notes.map((n) => (n.id === note.id ? { ...n, text: note.text, editedAt: at } : n));
    case 'resolve':
      return notes.map((n) => (n.id === note.id ? { ...n, resolved: note.resolved } : n));
    case 'delete':
      return notes.filter((n) => n.id !== note.id && n.replyTo !== note.id);
  }
}
