/**
 * Questions about checkpoints (shared/analyses.ts): which ones wait, which trainer answers which, and how the answer enters the
 * run's log exactly once. The logs hold them as commands; this class holds only temporary state: who is asked now, and the
 * progress. Pure: trainers are ports.
 */
import { nanoid } from 'nanoid';
import type { Clock } from '~/server/base/clock';
import type { Room } from '~/server/runs/room';
import type { RunLists } from '~/server/store/lists';
import { asksCheckpoint, openQuestions } from '~/shared/analyses';
import { applied, refused, scheduled } from '~/shared/commandAnswers';
import type { Refusal } from '~/shared/commands';
import type { Entry, RunEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import type { Question, QuestionAnswer, QuestionProgress } from '~/shared/protocol';
import { refuse } from '~/shared/refusals';
import { type CommandRecord, isOpen, type ListItems, type RunView } from '~/shared/view';
import type { QuestionSummary } from '~/shared/viewerProtocol';
import { moveInQueue } from './queue';

export interface QuestionPort {
  ask(question: Question): void;
  forget(forgotten: { ticket: string }): void;
}

export interface Answerer {
  id: string;
  name: string;
  /** Names of the recipes that it knows. */
  recipes: readonly string[];
  port: QuestionPort;
  /** Whether it trains: idle trainers are asked first. */
  busy(): boolean;
}

export interface QuestionsDeps {
  room(runId: string): Promise<Room | null>;
  hasBlob(hash: string): Promise<boolean>;
  clock: Pick<Clock, 'now' | 'after'>;
  onError(error: unknown): void;
}

interface Asked {
  runId: string;
  commandId: string;
  /** The lowest is asked first. */
  position: number;
  recipe: string | null;
  about: Pick<QuestionSummary, 'name' | 'action' | 'label' | 'actor' | 'step'>;
  /** Number of trainers that were lost while they answered it. */
  losses: number;
}

interface Running {
  asked: Asked;
  ticket: string;
  trainer: Answerer;
  /** Hash of the checkpoint that the trainer reads; '' until it is asked. */
  checkpoint: string;
  done: number;
  of: number;
}

/** Losing this many trainers over one question is no accident. */
const maxLosses = 3;
const retryMs = 1_000;

export class Questions {
  readonly #waiting = new Map<string, Asked>();
  /** By trainer: at most one each. */
  readonly #running = new Map<string, Running>();
  readonly #trainers = new Map<string, Answerer>();
  #dispatching = false;
  #again = false;

  constructor(private readonly deps: QuestionsDeps) {}

  /** Adds the open questions of a run that is found at start. */
  found(view: RunView): void {
    for (const record of openQuestions(view)) this.#add(view, record);
  }

  /** Called with everything that is committed. */
  committed(view: RunView, entries: readonly Entry[]): void {
    for (const { event } of entries)
      switch (event.type) {
        case 'command.requested':
        case 'command.queued': {
          const commandId = event.type === 'command.queued' ? event.commandId : event.command.id;
          const record = view.openCommands.find((c) => c.command.id === commandId);
          if (record && isOpen(record) && asksCheckpoint(view, record) && !this.#asked(commandId)) this.#add(view, record);
          const waiting = this.#waiting.get(commandId);
          if (waiting && record?.position !== undefined) waiting.position = record.position;
          break;
        }
        case 'command.applied':
        case 'command.refused':
          this.#drop(event.commandId);
      }
  }

  came(trainer: Answerer): void {
    this.left(trainer.id);
    this.#trainers.set(trainer.id, trainer);
    this.#dispatch();
  }

  /** Called when a trainer's connection closes: its question goes to the next trainer. */
  left(trainerId: string): void {
    const trainer = this.#trainers.get(trainerId);
    const running = this.#running.get(trainerId);
    this.#trainers.delete(trainerId);
    this.#running.delete(trainerId);
    if (!trainer || !running) return;
    const { asked } = running;
    asked.losses++;
    const lost = `trainer ${trainer.name} was lost while it answered`;
    if (asked.losses >= maxLosses) {
      const why = `${lost}, the ${maxLosses}rd in a row`;
      this.#write(asked, (record) => [refused(record, asked.about.step, 'failed', why)]).catch((error) =>
        this.#failed(asked, error),
      );
      return;
    }
    this.#waiting.set(asked.commandId, asked);
    this.#write(asked, (record) => [scheduled(record, asked.about.step, `waits for a trainer again: ${lost}`)]).catch(
      this.deps.onError,
    );
    this.#dispatch();
  }

  progress(trainerId: string, { ticket, done, of }: QuestionProgress): void {
    const running = this.#running.get(trainerId);
    if (running?.ticket === ticket) Object.assign(running, { done, of });
  }

  /** Resolves once the answer is in the log, or is found to be outdated. */
  async answer(trainerId: string, { ticket, result }: QuestionAnswer): Promise<void> {
    const running = this.#running.get(trainerId);
    if (running?.ticket !== ticket) return;
    const { asked, trainer } = running;
    this.#running.delete(trainerId);
    try {
      await this.#write(asked, async (record, lists) => {
        const about = await checkpointAsked(lists, record);
        if (about?.blob.hash !== running.checkpoint) return [refused(record, asked.about.step, 'state', goneBack)];
        if (!result.ok) return [refused(record, about.step, result.reason, result.message)];
        const { summary, message, backend } = result;
        const { step } = about;
        // Several checkpoints may have the same bytes: the answer stays as long as any of them.
        const [first] = await lists.list('checkpoints', { ref: about.blob.hash, after: 0, limit: 1 });
        const by = `answered by ${trainer.name} on ${backend}, from the checkpoint at step ${step}`;
        return [
          applied(record, step, by),
          {
            type: 'analysis',
            step,
            kind: asked.about.action,
            commandId: record.command.id,
            summary,
            message,
            blob: null,
            checkpoint: about.blob.hash,
            checkpointSeq: first?.seq ?? about.seq,
          },
        ];
      });
    } catch (error) {
      this.#failed(asked, error);
    }
    this.#dispatch();
  }

  /** What became of the question is not in the log: it is asked again. */
  #failed(asked: Asked, error: unknown): void {
    this.deps.onError(error);
    this.deps.clock.after(retryMs, () => {
      if (this.#asked(asked.commandId)) return;
      this.#waiting.set(asked.commandId, asked);
      this.#dispatch();
    });
  }

  /** Questions being answered come first, then those that wait, the next one first. */
  list(): QuestionSummary[] {
    const summary = ({ runId, commandId, about }: Asked) => ({ runId, commandId, ...about });
    return [
      ...[...this.#running.values()].map(({ asked, trainer, done, of }) => ({
        ...summary(asked),
        trainer: trainer.name,
        why: null,
        done,
        of,
      })),
      ...this.#inOrder().map((asked) => ({ ...summary(asked), trainer: null, why: this.#whyWaits(asked), done: 0, of: 0 })),
    ];
  }

  /** Moves a waiting question before another one, or (null) to the end. */
  async move(actor: Actor, commandId: string, before: string | null): Promise<{ ok: true } | Refusal> {
    const unknown = (field: string, id: string) => refuse('state', `${field}: no question ${id} waits for a trainer`, field);
    if (!this.#waiting.has(commandId)) return unknown('commandId', commandId);
    if (before !== null && !this.#waiting.has(before)) return unknown('before', before);
    const queue = this.#inOrder().map((a) => ({ runId: a.commandId, position: a.position }));
    const answer = moveInQueue(queue, commandId, before, this.deps.clock.now());
    if (!answer.ok) return answer;
    for (const { runId: id, position } of answer.moved) {
      const asked = this.#waiting.get(id);
      if (asked) await this.#write(asked, () => [{ type: 'command.queued', actor, commandId: id, position }]);
    }
    return { ok: true };
  }

  #asked(commandId: string): boolean {
    return this.#waiting.has(commandId) || [...this.#running.values()].some((r) => r.asked.commandId === commandId);
  }

  #add(view: RunView, record: CommandRecord): void {
    const { command, actor, at } = record;
    if (command.kind !== 'act') return;
    this.#waiting.set(command.id, {
      runId: view.runId,
      commandId: command.id,
      position: record.position ?? at,
      recipe: view.setup.recipe?.name ?? null,
      about: {
        name: view.setup.name,
        action: command.action,
        label: view.controls.actions.find((a) => a.name === command.action)?.label ?? command.action,
        actor,
        step: view.lastCheckpoint?.step ?? 0,
      },
      losses: 0,
    });
    void this.#lookUp(record).catch(this.deps.onError);
    this.#dispatch();
  }

  /** Looks up the step of the checkpoint that a question names. */
  async #lookUp(record: CommandRecord): Promise<void> {
    const asked = this.#waiting.get(record.command.id);
    const room = asked && (await this.deps.room(asked.runId));
    const about = room && (await checkpointAsked(room.lists, record));
    if (about) asked.about.step = about.step;
  }

  /** Called when the question has its answer, or was canceled. */
  #drop(commandId: string): void {
    this.#waiting.delete(commandId);
    for (const [id, { asked, ticket, trainer }] of this.#running)
      if (asked.commandId === commandId) {
        this.#running.delete(id);
        trainer.port.forget({ ticket });
        this.#dispatch();
      }
  }

  #inOrder(): Asked[] {
    return [...this.#waiting.values()].sort((a, b) => a.position - b.position || (a.commandId < b.commandId ? -1 : 1));
  }

  #whyWaits({ recipe }: Asked): string | null {
    if (this.#trainers.size === 0) return 'no trainer is here that answers questions';
    return [...this.#trainers.values()].some((t) => knows(t, recipe))
      ? null
      : `no trainer here knows the recipe ${recipe ?? '(none)'}`;
  }

  #dispatch(): void {
    this.#again = true;
    if (this.#dispatching) return;
    this.#dispatching = true;
    void (async () => {
      while (this.#again) {
        this.#again = false;
        for (const asked of this.#inOrder()) await this.#handOver(asked);
      }
    })()
      .catch(this.deps.onError)
      .finally(() => {
        this.#dispatching = false;
      });
  }

  async #handOver(asked: Asked): Promise<void> {
    const able = [...this.#trainers.values()].filter((t) => knows(t, asked.recipe) && !this.#running.has(t.id));
    const trainer = able.find((t) => !t.busy()) ?? able[0];
    if (!trainer || !this.#waiting.delete(asked.commandId)) return;
    const ticket = nanoid();
    const running: Running = { asked, ticket, trainer, checkpoint: '', done: 0, of: 0 };
    this.#running.set(trainer.id, running);
    try {
      const question = await this.#question(asked, ticket, trainer.name);
      // Meanwhile the question may have been canceled, or the trainer lost.
      const still = this.#running.get(trainer.id) === running;
      if (question && still) {
        running.checkpoint = question.blob.hash;
        trainer.port.ask(question);
      } else if (still) this.#running.delete(trainer.id);
    } catch (error) {
      if (this.#running.get(trainer.id) !== running) return this.deps.onError(error);
      this.#running.delete(trainer.id);
      this.#failed(asked, error);
    }
  }

  /** Records in the log who answers it. @returns null when it can no longer be asked; the log then says so */
  async #question(asked: Asked, ticket: string, trainer: string): Promise<Question | null> {
    const room = await this.deps.room(asked.runId);
    const record = room?.view.openCommands.find((c) => c.command.id === asked.commandId);
    if (!room || !record || !isOpen(record) || record.command.kind !== 'act') return null;
    const { setup } = room.view;
    const { action, args } = record.command;
    const about = await checkpointAsked(room.lists, record);
    const here = about !== null && (await this.deps.hasBlob(about.blob.hash));
    const step = about?.step ?? asked.about.step;
    const why = about ? `the checkpoint at step ${step} is no longer kept here` : goneBack;
    const answers = `${trainer} answers it, from the checkpoint at step ${step}`;
    await this.#write(asked, (open) => [here ? scheduled(open, step, answers) : refused(open, step, 'state', why)]);
    if (!here) return null;
    asked.about.step = step;
    return { ticket, runId: asked.runId, commandId: asked.commandId, setup, action, args, step, blob: about.blob };
  }

  /** Appends to the run's log while the question is open. */
  async #write(
    { runId, commandId }: Asked,
    events: (record: CommandRecord, lists: RunLists) => RunEvent[] | Promise<RunEvent[]>,
  ): Promise<void> {
    const room = await this.deps.room(runId);
    await room?.decide((view, lists) => {
      const record = view.openCommands.find((c) => c.command.id === commandId);
      return record && isOpen(record) ? events(record, lists) : [];
    });
  }
}

const goneBack = 'the run went back to a checkpoint before the one this asks about';

/** The checkpoint that a question is about; null when it is not, or no longer, in force. */
async function checkpointAsked(lists: RunLists, { seq, command }: CommandRecord): Promise<ListItems['checkpoints'] | null> {
  const named = command.kind === 'act' ? command.checkpoint : undefined;
  if (named !== undefined) return lists.item('checkpoints', { ref: named });
  return (await lists.list('checkpoints', { before: seq, limit: 1 }))[0] ?? null;
}

const knows = ({ recipes }: Answerer, recipe: string | null): boolean => recipe !== null && recipes.includes(recipe);
