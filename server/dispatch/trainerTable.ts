/** The trainer processes that this server knows: those that are connected, and those that are away with a run. */

import type { LoggedCommand } from '~/shared/commands';
import type { Assignment, Registration } from '~/shared/protocol';
import type { TrainerSummary } from '~/shared/viewerProtocol';
import type { Process } from './opened';
import type { Answerer, QuestionPort } from './questions';
import type { DeclaringTrainer } from './recipes';

export interface TrainerPort extends QuestionPort {
  /** How far the clock of its process was ahead of the server's when it connected; left out: not known. */
  clockAheadMs?: number;
  assign(assignment: Assignment): void;
  command(command: LoggedCommand & { runId: string }): void;
  release(release: { runId: string; attempt: number; message: string }): void;
  /** Another connection of the same process has replaced this one. */
  close(): void;
}

export interface Trainer {
  registration: Registration;
  /** null while it is away. */
  port: TrainerPort | null;
  ready: boolean;
  /** The run it holds, also while it is away. */
  runId: string | null;
  /** Commands for the run that arrived before the trainer got its assignment; null = it has it. */
  early: LoggedCommand[] | null;
  /** Cancels the timer of the time in which it may come back. */
  cancelGrace: (() => void) | null;
}

export class TrainerTable {
  readonly #trainers = new Map<string, Trainer>();

  get(trainerId: string): Trainer | undefined {
    return this.#trainers.get(trainerId);
  }

  set(trainer: Trainer): void {
    this.#trainers.set(trainer.registration.trainerId, trainer);
  }

  /** Forgets a trainer, unless it is connected. */
  forgetIfAway({ port, registration }: Trainer): void {
    if (!port) this.#trainers.delete(registration.trainerId);
  }

  /** A copy, so that trainers may be forgotten while it is read. */
  all(): Trainer[] {
    return [...this.#trainers.values()];
  }

  connected(): Trainer[] {
    return this.all().filter((t) => t.port);
  }

  /** The trainer, if this is its present connection. */
  at(trainerId: string, port: TrainerPort): Trainer | null {
    const trainer = this.#trainers.get(trainerId);
    return trainer?.port === port ? trainer : null;
  }

  holders(runId: string): Trainer[] {
    return this.all().filter((t) => t.runId === runId);
  }

  /** Trainers of one process. */
  of(host: string, pid: number): Trainer[] {
    return this.all().filter(({ registration: r }) => r.host === host && r.pid === pid);
  }

  /** @param opened runs that scripts of the trainer's process have opened */
  summaries(opened: (trainerId: string) => string[]): TrainerSummary[] {
    return this.all().map(({ registration: r, port, runId }) => ({
      id: r.trainerId,
      name: r.name,
      host: r.host,
      connected: port !== null,
      runId,
      opened: opened(r.trainerId),
      recipes: r.recipes.map((recipe) => recipe.title),
      memoryBytes: r.memoryBytes,
    }));
  }

  /** Which trainers have declared which recipes, including trainers that are away with a run. */
  declaring(): DeclaringTrainer[] {
    return this.all().map(({ registration: r, port }) => ({ name: r.name, connected: port !== null, recipes: r.recipes }));
  }
}

export const processOf = ({ registration: { trainerId, name, host } }: Trainer): Process => ({ trainerId, name, host });

export const answererOf = (trainer: Trainer, port: TrainerPort): Answerer => ({
  id: trainer.registration.trainerId,
  name: trainer.registration.name,
  recipes: trainer.registration.recipes.map((r) => r.name),
  port,
  busy: () => trainer.runId !== null,
});
