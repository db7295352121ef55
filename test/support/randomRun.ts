import type { Entry, RunEvent } from '~/shared/events';
import { emptyView, foldWithChanges } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import type { ListChange } from '~/shared/lists';
import { changedSince } from '~/shared/resumed';
import { seqCount } from '~/shared/rows';
import { ended, type RunView } from '~/shared/view';
import { seeded } from '~/test/support/seeded';
import { metricsOf } from '~/trainer/run/metrics';
import { NaiveLists } from './naiveLists';
import { viewAtStart } from './views';

const people: Actor[] = [
  { id: 'u1', name: 'Ada', role: 'operator' },
  { id: 'u2', name: 'Bob', role: 'admin' },
];

/**
 * A random run from a seed with every event that grows a list: training, commands, rewinds, notes, lost trainers and takeovers. Its
 * entries are as the server writes them; `naive` holds the complete lists beside the bounded view.
 */
export class RandomRun {
  readonly naive = new NaiveLists();
  readonly entries: Entry[] = [];
  readonly changes: ListChange[][] = [];
  view: RunView;
  #rnd: () => number;
  #ids = 0;

  constructor(
    seed: number,
    readonly runId = 'run001',
  ) {
    this.#rnd = seeded(seed);
    const { setup } = viewAtStart();
    const event: RunEvent = { type: 'run.created', setup, actor: people[0]!, parent: null };
    const entry: Entry = { seq: 1, attempt: 0, at: 1000, event };
    this.view = emptyView(runId, entry);
    this.entries.push(entry);
    this.changes.push([]);
    this.naive.add(entry);
    this.#assign(null);
  }

  below(n: number): number {
    return Math.floor(this.#rnd() * n);
  }
  #pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  #append(...events: RunEvent[]): void {
    for (const event of events) {
      const attempt = event.type === 'run.assigned' ? event.attempt : this.view.attempt;
      const entry: Entry = { seq: this.view.seq + 1, attempt, at: 1000 + this.view.seq, event };
      const { view, changes } = foldWithChanges(this.view, entry);
      this.view = view;
      this.entries.push(entry);
      this.changes.push(changes);
      this.naive.add(entry);
    }
  }

  /** @param blob the resumed checkpoint; null = from the start */
  #assign(checkpoint: { seq: number; step: number; blob: { hash: string; bytes: number } } | null): void {
    const fromStep = checkpoint?.step ?? 0;
    const keepSeq = checkpoint?.seq ?? 0;
    const controls = changedSince(this.view, { seq: 0, fromStep, keepSeq });
    const resumed = this.naive.resumed(fromStep, keepSeq, controls);
    const attempt = this.view.attempt + 1;
    const trainer = { id: `t${attempt}`, name: 'gpu', host: 'h' };
    this.#append({ type: 'run.assigned', attempt, trainer, fromStep, checkpoint: checkpoint?.blob ?? null, keepSeq, resumed });
    const values = { clipThreshold: this.naive.changeBefore('clipThreshold', fromStep, keepSeq)?.value ?? 5 };
    this.#append(
      {
        type: 'started',
        step: fromStep,
        device: { backend: 'cpu', device: 'CPU' },
        streams: [{ stream: 'steps', columns: [{ name: 'loss', role: 'loss' }] }],
        controls: { values: [], actions: [] },
        values,
        lengths: { stepsPerEpoch: 10, totalSteps: 1000 },
      },
      { type: 'status', status: 'running', step: fromStep, message: '' },
    );
  }

  /** Appends one more random event. */
  next(): void {
    const { lists } = this.naive;
    const { step } = this.view;
    const who = this.#pick(people);
    const id = () => `id-${String(this.#ids++).padStart(6, '0')}`;
    const open = this.view.openCommands.filter((c) => c.outcome.status !== 'proposed');
    const kind = this.below(100);
    const blob = () => ({
      hash: this.below(2 ** 30)
        .toString(16)
        .padStart(64, '0'),
      bytes: 1 + this.below(1000),
    });
    if (kind < 30) {
      const count = 1 + this.below(3);
      this.#append({
        type: 'rows',
        stream: 'steps',
        steps: { first: step, count },
        values: new Float64Array(count).fill(this.#rnd()),
      });
    } else if (kind < 38) {
      const split = this.#pick(['train', 'validation', 'test'] as const);
      this.#append({
        type: 'evaluation',
        step,
        split,
        metrics: metricsOf(
          {},
          { loss: this.#rnd(), accuracy: this.below(10) === 0 ? Number.NaN : this.below(20) / 20 },
          split === 'validation',
        ),
        examples: 10,
        elapsedMs: 1,
        trigger: 'cadence',
        commandId: null,
        parametersStep: step,
      });
    } else if (kind < 46) {
      const trigger = this.#pick(['cadence', 'command'] as const);
      const sizes = { layers: [{ name: 'layer 1', heads: 1, queries: 2, keys: 2 }], examples: 1 };
      this.#append({
        type: 'snapshot',
        step,
        blob: blob(),
        trigger,
        commandId: null,
        ...sizes,
        signals: [{ name: 'entropy', values: [1] }],
      });
    } else if (kind < 50) {
      const lastCommandSeq = this.view.seq;
      this.#append({
        ...{
          type: 'checkpoint',
          step,
          blob: blob(),
          trigger: 'cadence',
          commandId: null,
          lastCommandSeq,
        },
      });
    } else if (kind < 53) this.#append({ type: 'alert', step, level: 'warning', kind: 'k', message: `m${this.below(99)}` });
    else if (kind < 62) {
      if (this.view.openCommands.length >= 20) return;
      const when = this.below(3) === 0 ? { when: { kind: 'step' as const, step: step + 5 } } : {};
      const command = {
        kind: 'set' as const,
        id: id(),
        runId: this.runId,
        control: 'clipThreshold',
        value: this.below(9),
        ...when,
      };
      this.#append({ type: this.below(8) === 0 ? 'command.proposed' : 'command.requested', actor: who, command });
    } else if (kind < 74) {
      const asked = this.#pick(open);
      if (!asked) return;
      const { seq, command } = asked;
      const value = command.kind === 'set' ? command.value : null;
      const what = this.below(4);
      if (what === 0) this.#append({ type: 'command.refused', commandId: command.id, seq, step, reason: 'state', message: 'no' });
      else if (what === 1) this.#append({ type: 'command.scheduled', commandId: command.id, seq, step, message: 'waits' });
      else this.#append({ type: 'command.applied', commandId: command.id, seq, step, before: 5, after: value, message: '' });
    } else if (kind < 76) {
      const proposal = this.view.openCommands.find((c) => c.outcome.status === 'proposed');
      if (!proposal) return;
      const approved = this.below(2) === 0;
      this.#append({ type: 'proposal.answered', actor: who, commandId: proposal.command.id, approved });
      if (approved) this.#append({ type: 'command.requested', actor: proposal.actor, command: proposal.command });
    } else if (kind < 84) this.#note(who, id);
    else if (kind < 86) {
      if (lists.snapshots.length > 4)
        this.#append({ type: 'snapshots.thinned', quotaBytes: 1, seqs: [lists.snapshots[1]!.seq], message: 't' });
      // A checkpoint that a question was about is kept.
      const free = lists.checkpoints.slice(1, -1).find((c) => !lists.analyses.some((of) => of.checkpoint === c.blob.hash));
      if (free) this.#append({ type: 'checkpoints.thinned', quotaBytes: 1, seqs: [free.seq], message: 't' });
    } else if (kind < 88) this.#append({ type: 'run.labelled', actor: who, tags: ['a'] });
    else if (kind < 90) {
      const checkpoint = this.#pick(lists.checkpoints);
      const about = checkpoint && {
        checkpoint: checkpoint.blob.hash,
        checkpointSeq: lists.checkpoints.find((c) => c.blob.hash === checkpoint.blob.hash)!.seq,
      };
      const rest = { kind: 'findMistakes', commandId: null, summary: {}, message: '', blob: null };
      this.#append({ type: 'analysis', step: checkpoint?.step ?? step, ...rest, ...about });
    } else if (kind < 93) this.#append({ type: 'trainer.lost', message: 'gone' });
    else if (kind < 95) this.#append({ type: 'trainer.back' });
    else if (kind < 97) {
      // Another trainer takes over from the last checkpoint, and applies again the commands that took effect after it.
      const checkpoint = lists.checkpoints.at(-1) ?? null;
      const replayed = lists.commands.filter(
        (c) => c.command.kind === 'set' && c.outcome.status === 'applied' && !c.undone && c.outcome.seq > (checkpoint?.seq ?? 0),
      );
      this.#assign(checkpoint);
      for (const { seq, actor, command, outcome } of replayed)
        if (outcome.status === 'applied') {
          const { before, after, step: at } = outcome;
          if (at > this.view.step)
            this.#append({
              type: 'rows',
              stream: 'steps',
              steps: { first: this.view.step, count: at - this.view.step },
              values: new Float64Array(at - this.view.step),
            });
          const asked = { seq, actor, command };
          this.#append({
            type: 'command.applied',
            commandId: command.id,
            seq,
            step: this.view.step,
            before,
            after,
            message: '',
            asked,
          });
        }
    } else this.#revert(who, id());
  }

  #note(who: Actor, id: () => string): void {
    const { notes } = this.naive.lists;
    const some = this.#pick(notes);
    const what = this.below(6);
    const { step } = this.view;
    if (what < 2 || !some) {
      const anchor = { step, chart: null, head: null };
      this.#append({
        type: 'note',
        actor: who,
        note: { kind: 'add', id: id(), anchor, text: 'x'.repeat(1 + this.below(300)), replyTo: null },
      });
    } else if (what === 2 && some.replyTo === null)
      this.#append({
        type: 'note',
        actor: who,
        note: { kind: 'add', id: id(), anchor: some.anchor, text: 'yes', replyTo: some.id },
      });
    else if (what === 3) this.#append({ type: 'note', actor: who, note: { kind: 'edit', id: some.id, text: 'other' } });
    else {
      const was = {
        thread: some.replyTo === null,
        resolved: some.resolved,
        replies: notes.filter((n) => n.replyTo === some.id).length,
      };
      const note =
        what === 4
          ? ({ kind: 'resolve', id: some.id, resolved: this.below(2) === 0 } as const)
          : ({ kind: 'delete', id: some.id } as const);
      this.#append({ type: 'note', actor: who, note, was });
    }
  }

  #revert(actor: Actor, id: string): void {
    const checkpoint = this.#pick(this.naive.lists.checkpoints);
    if (!checkpoint) return;
    const { seq: at, step, blob, lastCommandSeq } = checkpoint;
    const command = { kind: 'act' as const, id, runId: this.runId, action: 'revert', args: { step, checkpoint: blob.hash } };
    this.#append({ type: 'command.requested', actor, command });
    const seq = this.view.seq;
    const reverted = { seq: at, step, blob, lastCommandSeq };
    this.#append(
      {
        type: 'command.applied',
        commandId: id,
        seq,
        step: this.view.step,
        before: this.view.step,
        after: step,
        message: '',
        reverted,
      },
      { type: 'trainer.lost', message: 'back' },
    );
    if (!ended(this.view.status)) this.#assign(checkpoint);
  }

  /** The last seq of the log. */
  get head(): number {
    const last = this.entries.at(-1)!;
    return last.seq + seqCount(last.event) - 1;
  }
}
