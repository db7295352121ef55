/**
 * One run: its log, its view, and the commands that are in progress. Everything that happens to the run goes through here, one
 * operation at a time. No socket, timer or SQL.
 */

import { isDeepStrictEqual } from 'node:util';
import { blobsNamed } from '~/server/base/blobsNamed';
import { serial } from '~/server/base/serial';
import { FencedError } from '~/server/store';
import type { RunLists } from '~/server/store/lists';
import type { StreamLookup } from '~/server/store/streamState';
import { approvalProblem, gate } from '~/server/team/gate';
import { asksCheckpoint } from '~/shared/analyses';
import type { Command, CommandAnswer, LoggedCommand, Refusal } from '~/shared/commands';
import type { RunEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import type { Assignment, BatchAnswer, EventBatch } from '~/shared/protocol';
import { refuse } from '~/shared/refusals';
import { revertTarget, takesBack } from '~/shared/revert';
import { asDeclared } from '~/shared/roles';
import type { Config } from '~/shared/setup';
import { type CommandRecord, ended, isOpen, isOpened, type ListItems, over, type RunView } from '~/shared/view';
import { accept, upToRewinds } from './accept';
import { clockAlert } from './clockAlert';
import { calledOff, isStop, leftover, stopped } from './endings';
import { isResend, judge, questionCalledOff } from './judge';
import type { RunLog } from './log';
import { referenceBytes, typeOf } from './readEvent';
import { logged, replayed, resumedAt, wayBack } from './resumed';
import { checkpointsMeant, notHere, revertEvents } from './revert';

export interface RoomDeps {
  hasBlob(hash: string): Promise<boolean>;
  /** Stores the reference of a checkpoint that its script keeps itself. */
  keepBlob?(hash: string, bytes: Uint8Array): Promise<unknown>;
  /** Whether a trainer holds the run, or may still come back for it. */
  hasTrainer(runId: string): boolean;
  /** Whether a command will reach a trainer, or the script that owns the run. Left out: as `hasTrainer`. */
  hears?(runId: string): boolean;
  now(): number;
  /** Controls and actions that a second operator has to approve. */
  needsApproval(): readonly string[];
}

/** Why a command must not take effect, now that its turn has come; null: it may. */
export type WhyNot = (view: RunView) => string | null;

/** A decision about a run: entries for its log, or why there are none. */
export type Choose = (view: RunView, lists: RunLists) => RunEvent[] | Refusal | Promise<RunEvent[] | Refusal>;

/** Number of remembered refusals, so that a resend gets the same answer. */
const refusalsKept = 1000;

export class Room {
  readonly #serial = serial();
  /** Number of events set aside in the present attempt, including those not reported in the log. */
  #setAside = { attempt: 0, count: 0 };
  readonly #refused = new Map<string, { actor: Actor; command: Command; answer: Refusal }>();

  constructor(
    private readonly log: RunLog,
    private readonly deps: RoomDeps,
  ) {}

  get runId(): string {
    return this.log.runId;
  }

  get view(): RunView {
    return this.log.view;
  }

  get nextEvent(): number {
    return this.log.nextEvent;
  }

  get streams(): StreamLookup {
    return this.log.streams;
  }

  get lists(): RunLists {
    return this.log.lists;
  }

  /**
   * Events of the trainer that holds the run; `ok` once they are committed. Known ones are skipped; an invalid one is set aside
   * (accept.ts).
   *
   * @param clockAheadMs of the trainer's process (clockAlert.ts); left out: not known
   */
  events(batch: EventBatch, clockAheadMs?: number): Promise<BatchAnswer> {
    return this.#turn(async (): Promise<BatchAnswer> => {
      let answer: BatchAnswer = { ok: true, nextEvent: this.log.nextEvent };
      for (const part of upToRewinds(batch)) {
        answer = await this.#take(part, clockAheadMs);
        if (!answer.ok) break;
      }
      return answer;
    });
  }

  /** @param batch only its first event may be a rewind */
  async #take(batch: EventBatch, clockAheadMs?: number): Promise<BatchAnswer> {
    const { pendingRevert, released, statusMessage } = this.view;
    if (pendingRevert || released) return { ok: false, reason: 'fenced', message: statusMessage };
    const before = this.#setAside.attempt === batch.attempt ? this.#setAside.count : this.view.setAside;
    const accepted = accept(this.view, this.log.streams, this.log.nextEvent, batch, await this.#asked(batch), before);
    if (!accepted.ok) return accepted;
    if (accepted.nextEvent === this.log.nextEvent) return { ok: true, nextEvent: this.log.nextEvent };
    for (const event of accepted.events)
      if (event.type === 'checkpoint' && event.reference !== undefined)
        await this.deps.keepBlob?.(event.blob.hash, referenceBytes(event.reference));
    for (const hash of new Set(accepted.events.flatMap(blobsNamed)))
      if (!(await this.deps.hasBlob(hash)))
        return {
          ok: false,
          reason: 'missing-blob',
          hash,
          message: `blob ${hash} is not here: store it before the event that names it`,
        };
    const rewind = accepted.events.find((e) => e.type === 'rewind');
    if (rewind) rewind.resumed = await resumedAt(this.lists, this.log.rows, this.view, { fromStep: rewind.step, keepSeq: 0 });
    try {
      const alert = clockAlert(accepted.view, accepted.events, this.deps.now(), clockAheadMs);
      await this.log.append([...accepted.events, ...alert], { nextEvent: accepted.nextEvent });
    } catch (error) {
      if (error instanceof FencedError) return { ok: false, reason: 'fenced', message: error.message };
      throw error;
    }
    this.#setAside = { attempt: batch.attempt, count: accepted.setAside };
    return { ok: true, nextEvent: this.log.nextEvent };
  }

  /** Resolves once the command is in the log, or with the reason why it is not (hub.ts). */
  command(actor: Actor, asked: Command, whyNot: WhyNot = () => null): Promise<CommandAnswer> {
    return this.#turn(async (): Promise<CommandAnswer> => {
      const why = whyNot(this.view);
      if (why !== null) return refuse('state', why);
      const command = asDeclared(this.view, asked);
      try {
        return await this.#ask(actor, command);
      } catch (error) {
        // A write that failed may have taken effect: its sender must not send it again as another command.
        await this.log.sync();
        const known = await this.#record(command.id);
        if (!known) throw error;
        return { ok: true, seq: known.seq };
      }
    });
  }

  async #ask(actor: Actor, command: Command): Promise<CommandAnswer> {
    const known = await this.#record(command.id);
    const refusedBefore = this.#refused.get(command.id);
    const before = known ?? refusedBefore;
    if (before && !isResend(this.view, before, actor, command))
      return refuse('invalid', `id: ${command.id} was used for another command`, 'id');
    if (known) return { ok: true, seq: known.seq };
    if (refusedBefore) return refusedBefore.answer;

    const endsAlone = isStop(this.view, command) && isOpened(this.view) && !this.#hears();
    const checkpoints = await checkpointsMeant(this.view, this.lists, command);
    const refusal = judge(this.view, actor, command, checkpoints, endsAlone) ?? (await this.#withoutBytes(command, checkpoints));
    if (refusal) {
      if (refusal.reason !== 'busy') this.#remember(actor, command, refusal);
      return refusal;
    }
    const seq = this.view.seq + 1;
    const gated = gate(this.view, this.deps.needsApproval(), actor, command, this.deps.now());
    if (gated !== 'propose' && gated !== 'pass') {
      this.#remember(actor, command, gated);
      return gated;
    }
    const proposed: RunEvent = { type: 'command.proposed', actor, command };
    await this.log.append(gated === 'propose' ? [proposed] : await this.#requested(actor, command, seq));
    return { ok: true, seq };
  }

  /** The entries of a command at `seq`: those after the first are what the server itself does about it. */
  async #requested(actor: Actor, command: Command, seq: number): Promise<RunEvent[]> {
    if (takesBack(this.view, command)) return revertEvents(this.view, this.lists, actor, command, seq);
    const requested: RunEvent = { type: 'command.requested', actor, command };
    const question = questionCalledOff(this.view, command);
    if (question) return [requested, ...calledOff(this.view, actor, command, seq, question)];
    const stops = isStop(this.view, command) && !this.#hears();
    return stops ? [requested, ...stopped(this.view, actor, command, seq, await this.#wayBack())] : [requested];
  }

  /**
   * A second operator's yes or no to a command that waits for one; who asked for it can take it back with a no. After a yes it
   * takes effect as if it were asked now.
   */
  answerProposal(actor: Actor, commandId: string, approved: boolean): Promise<CommandAnswer> {
    return this.decide(async (view, lists) => {
      const problem = approvalProblem(view, actor, commandId, approved, this.deps.now());
      if (problem) return problem;
      const answered = { type: 'proposal.answered', actor, commandId, approved } as const;
      if (!approved) return [answered];
      const { actor: by, command } = view.openCommands.find((c) => c.command.id === commandId)!;
      if (takesBack(view, command)) {
        // The run may have changed since the command was requested.
        const checkpoints = await checkpointsMeant(view, lists, command);
        const wrong = judge(view, by, command, checkpoints) ?? (await this.#withoutBytes(command, checkpoints));
        if (wrong) return wrong;
      }
      return [answered, ...(await this.#requested(by, command, view.seq + 2))];
    });
  }

  /**
   * Entries that people make besides commands (notes, the control lock, labels): `choose` gets the run and its lists
   * as of its turn.
   */
  decide(choose: Choose): Promise<CommandAnswer> {
    return this.#turn(async (): Promise<CommandAnswer> => {
      const events = await choose(this.view, this.lists);
      if (!Array.isArray(events)) return events;
      if (events.length > 0) await this.log.append(events);
      return { ok: true, seq: this.view.seq };
    });
  }

  /**
   * Gives the run to a trainer: from the checkpoint that people went back to, or its last one in force, or its fork, or the
   * start. Null when it has ended.
   */
  assign(trainer: { id: string; name: string; host: string }): Promise<Assignment | null> {
    return this.#turn(async () => {
      if (ended(this.view.status)) return null;
      const revert = this.view.pendingRevert?.checkpoint;
      const checkpoint = await this.#newestHere(revert?.seq);
      const { parent } = this.view;
      const from = checkpoint ?? (parent?.checkpoint ? { step: parent.step, blob: parent.checkpoint } : null);
      const fromStep = from?.step ?? 0;
      const lastCommandSeq = checkpoint?.lastCommandSeq ?? 0;
      const attempt = this.view.attempt + 1;
      const blob = from?.blob ?? null;
      const keepSeq = checkpoint?.seq ?? 0;
      const resumed = await resumedAt(this.lists, this.log.rows, this.view, { fromStep, keepSeq });
      await this.log.append([{ type: 'run.assigned', attempt, trainer, fromStep, checkpoint: blob, keepSeq, resumed }], {
        attempt,
        nextEvent: 0,
      });
      return {
        runId: this.runId,
        attempt,
        setup: this.view.setup,
        resume: from && { step: fromStep, blob: from.blob, replay: await replayed(this.view, this.lists, checkpoint) },
        commands: this.open(lastCommandSeq),
      };
    });
  }

  /**
   * Commands that wait for the trainer: those after `seq`, and all that it holds for their condition, whether or not it has
   * received them. So a trainer that forgets its scheduled commands gets them again.
   */
  open(seq: number): LoggedCommand[] {
    return this.view.openCommands
      .filter((c) => isOpen(c) && (c.seq > seq || c.outcome.status === 'scheduled') && !asksCheckpoint(this.view, c))
      .map(logged);
  }

  /** Called when its trainer went away. */
  lost(message: string): Promise<void> {
    return this.#turn(async () => {
      if (!ended(this.view.status) && this.view.status !== 'waiting' && this.view.attempt > 0)
        await this.log.append([{ type: 'trainer.lost', message }]);
    });
  }

  back(): Promise<void> {
    return this.#turn(async () => {
      if (this.view.status === 'waiting' || this.view.status === 'crashed') await this.log.append([{ type: 'trainer.back' }]);
    });
  }

  /**
   * Gives a run of a script's own to the process that opened it. Nothing is superseded: the script itself says where it continues
   * from.
   */
  reopen(trainer: { id: string; name: string; host: string }, config: Config | null): Promise<void> {
    return this.#turn(async () => {
      const { view } = this;
      const attempt = view.attempt + 1;
      const changed = config !== null && !isDeepStrictEqual(config, view.setup.config);
      const place = { fromStep: view.step, checkpoint: null, keepSeq: view.seq };
      const resumed = await resumedAt(this.lists, this.log.rows, view, place);
      const assigned = { type: 'run.assigned', attempt, trainer, ...place, resumed, ...(changed && { config }) } as const;
      await this.log.append([assigned], { attempt, nextEvent: 0 });
    });
  }

  /** The process that owned the run gave it up: the server waits for no process until a script opens the run again. */
  released(message: string): Promise<void> {
    return this.#turn(async () => {
      await this.log.append([{ type: 'trainer.lost', message, released: true }]);
    });
  }

  /** The process that owns the run in this attempt is silent. Waiting commands are kept: the process may come back. */
  crashed(attempt: number, message: string): Promise<void> {
    return this.#turn(async () => {
      const { view } = this;
      if (view.attempt !== attempt || ended(view.status) || view.released) return;
      await this.log.append([{ type: 'status', status: 'crashed', step: view.step, message }]);
    });
  }

  /** Adds an alert for everybody who watches the run. */
  alert(level: 'info' | 'warning' | 'error', kind: string, message: string): Promise<void> {
    return this.#turn(async () => {
      await this.log.append([{ type: 'alert', step: this.view.step, level, kind, message: message.slice(0, 2000) }]);
    });
  }

  /** The run has ended and no trainer will answer any more: open commands are refused, so that every command gets its answer. */
  settle(): Promise<void> {
    return this.#turn(async () => {
      const refusals = over(this.view.status) ? leftover(this.view) : [];
      if (refusals.length > 0) await this.log.append(refusals);
    });
  }

  /** If no trainer holds the run, a stop that waits for one takes effect now. */
  stopIfAsked(): Promise<void> {
    return this.#turn(async () => {
      const stop = this.open(0).find((c) => isStop(this.view, c.command));
      if (stop && !ended(this.view.status) && !this.#hears())
        await this.log.append(stopped(this.view, stop.actor, stop.command, stop.seq, await this.#wayBack()));
    });
  }

  /** Waits for the operations in progress. */
  idle(): Promise<void> {
    return this.#serial(async () => {});
  }

  #wayBack(): ReturnType<typeof wayBack> {
    return wayBack(this.lists, this.log.rows, this.view);
  }

  #hears(): boolean {
    return (this.deps.hears ?? this.deps.hasTrainer)(this.runId);
  }

  #turn<T>(task: () => Promise<T>): Promise<T> {
    return this.#serial(async () => {
      await this.log.sync();
      try {
        return await task();
      } catch (error) {
        // A write that failed may have taken effect: people see it now, not at the run's next change.
        await this.log.sync().catch(() => {});
        throw error;
      }
    });
  }

  /** null, or why the run cannot go back to that checkpoint. */
  async #withoutBytes(command: Command, checkpoints: ListItems['checkpoints'][]): Promise<Refusal | null> {
    if (!takesBack(this.view, command)) return null;
    const target = revertTarget(checkpoints, command);
    if (!('blob' in target) || (await this.deps.hasBlob(target.blob.hash))) return null;
    return notHere('args.step', target.step);
  }

  /** A command in the log, however old. */
  async #record(id: string): Promise<CommandRecord | null> {
    return this.view.openCommands.find((c) => c.command.id === id) ?? (await this.lists.item('commands', { id }));
  }

  /** The commands that a trainer's events answer, by id. */
  async #asked({ events }: EventBatch): Promise<Map<string, LoggedCommand>> {
    const asked = new Map<string, LoggedCommand>();
    for (const event of events) {
      const id = typeOf(event)?.startsWith('command.') ? (event as { commandId?: unknown }).commandId : undefined;
      if (typeof id !== 'string' || asked.has(id)) continue;
      const record = await this.#record(id);
      if (record) asked.set(id, logged(record));
    }
    return asked;
  }

  /** The newest checkpoint in force, up to a seq, whose bytes are stored. */
  async #newestHere(upTo = Number.MAX_SAFE_INTEGER - 1): Promise<ListItems['checkpoints'] | null> {
    for (let before = upTo + 1; ; ) {
      const page = await this.lists.list('checkpoints', { before, limit: 20 });
      for (const c of page.toReversed()) if (await this.deps.hasBlob(c.blob.hash)) return c;
      if (page.length === 0) return null;
      before = page[0]!.seq;
    }
  }

  #remember(actor: Actor, command: Command, answer: Refusal): void {
    this.#refused.set(command.id, { actor, command, answer });
    if (this.#refused.size > refusalsKept) this.#refused.delete(this.#refused.keys().next().value!);
  }
}
