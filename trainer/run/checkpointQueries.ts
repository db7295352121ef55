/**
 * Answers questions about checkpoints of any run while the process trains another: on a separate network, one forward pass at a time (turns.ts), so that the run
 * being trained loses only that time between two updates, and its numbers do not change.
 */
import { argumentError } from '~/shared/commandError';
import type { Question, QuestionAnswer, QuestionProgress } from '~/shared/protocol';
import type { OpenedBackend } from '~/trainer/backends/types';
import type { RunConfig } from '~/trainer/base/config';
import { CheckpointError } from '~/trainer/nn/checkpoint';
import { createLearner } from '~/trainer/nn/learner';
import type { RecipeBook } from '~/trainer/recipes/book';
import type { Recipe } from '~/trainer/recipes/define';
import type { Learner, Task } from '~/trainer/types';
import { controlsOf, type Settings } from './controls';
import { openCheckpoint, restoreSettings } from './origin';
import { questions, type Subject, withDefaults } from './questions';
import { probeOf } from './taskRules';
import { Turns } from './turns';

export interface CheckpointQueriesParts {
  /** tfjs' current one. */
  backend(): Pick<OpenedBackend, 'name' | 'compileStep'>;
  recipes: RecipeBook;
  dataFolder: string;
  /** A checkpoint's bytes; gives up when `signal` fires. */
  bytes(hash: string, signal: AbortSignal): Promise<Uint8Array>;
  report: { progress(p: QuestionProgress): void; answer(a: QuestionAnswer): void };
  clock?: () => number;
}

type Result = QuestionAnswer['result'];

/** The error is in the question or its checkpoint, not in this process. */
class Invalid extends Error {}
/** The tfjs backend has changed: start again on the new one. */
class BackendChanged extends Error {}

const progressEveryMs = 100;

export class CheckpointQueries {
  readonly turns = new Turns();
  #asked: { ticket: string; off: AbortController } | null = null;
  /** Pictures and features take time to prepare, so the last task is kept. */
  #task: { key: string; task: Task } | null = null;

  constructor(private readonly parts: CheckpointQueriesParts) {}

  /** Answers this question instead of one that is still open. */
  ask(question: Question): void {
    this.#asked?.off.abort();
    const asked = { ticket: question.ticket, off: new AbortController() };
    this.#asked = asked;
    void this.#result(question, asked.off.signal).then((result) => {
      if (this.#asked !== asked) return;
      this.#asked = null;
      this.parts.report.answer({ ticket: question.ticket, result });
    });
  }

  /** @param ticket null = any question */
  forget(ticket: string | null): void {
    if (ticket !== null && this.#asked?.ticket !== ticket) return;
    this.#asked?.off.abort();
    this.#asked = null;
  }

  async #result(question: Question, off: AbortSignal): Promise<Result> {
    try {
      const bytes = await this.parts.bytes(question.blob.hash, off);
      for (;;)
        try {
          return await this.#answer(question, bytes, off);
        } catch (error) {
          if (!(error instanceof BackendChanged)) throw error;
        }
    } catch (error) {
      const reason = error instanceof Invalid || error instanceof CheckpointError ? 'invalid' : 'failed';
      return { ok: false, reason, message: (error instanceof Error ? error.message : String(error)).slice(0, 500) };
    }
  }

  async #answer(asked: Question, bytes: Uint8Array, off: AbortSignal): Promise<Result> {
    const question = questions.find((q) => q.spec.name === asked.action);
    if (!question) throw new Invalid(`this trainer cannot answer ${JSON.stringify(asked.action)}`);
    const wrong = argumentError(question.spec, asked.args);
    if (wrong) throw new Invalid(wrong.message);
    const args = withDefaults(question.spec, asked.args);
    const backend = this.parts.backend();
    const turn = <T>(work: () => Promise<T>): Promise<T> =>
      this.turns.take(() => {
        off.throwIfAborted();
        if (this.parts.backend().name !== backend.name) throw new BackendChanged();
        return work();
      });

    // This needs no backend, so training continues meanwhile.
    const { recipe, config } = this.#resolve(asked);
    const task = await this.#taskOf(recipe, config);
    const run = { recipe: recipe.spec.name, config, task };
    const { subject, learner } = await turn(async () => this.#open(run, asked.step, bytes, backend));
    try {
      const validationError = question.validationError?.(args, learner.shape);
      if (validationError) throw new Invalid(validationError.message);
      const of = question.passes(args, subject);
      let done = 0;
      const report = throttled(this.parts.clock ?? (() => performance.now()), () =>
        this.parts.report.progress({ ticket: asked.ticket, done: Math.min(done, of), of }),
      );
      const attend: Learner['attend'] = (batch, heads) =>
        turn(async () => {
          const attended = await learner.attend(batch, heads);
          done++;
          report();
          return attended;
        });
      const answer = await question.answer(args, { ...subject, learner: { shape: learner.shape, attend } });
      return { ok: true, backend: backend.name, summary: answer.summary, message: answer.message.slice(0, 500) };
    } finally {
      learner.dispose();
    }
  }

  /** The network of the checkpoint, and the examples that its run would use. */
  #open(
    run: { recipe: string; config: RunConfig; task: Task },
    step: number,
    bytes: Uint8Array,
    backend: Pick<OpenedBackend, 'compileStep'>,
  ): { subject: Subject; learner: Learner } {
    const { config, task } = run;
    const { modelDim, layers, heads } = config.model;
    const shape = { ...task.shape, modelDim, layers, heads };
    const learner = createLearner({ shape, seed: config.seed, optimizer: config.optimizer.kind, backend, paramGradNorms: false });
    try {
      const saved = openCheckpoint(bytes, step, run, learner.params);
      const settings: Settings = { config: structuredClone(config), probeExamples: null, snapshotDrift: null };
      restoreSettings(saved, controlsOf(config, task), settings, new Map());
      learner.load({ ...saved.learner, m: null, v: null, updates: 0 });
      return { subject: { task, learner, probe: () => probeOf(task, config.probeSize, settings.probeExamples) }, learner };
    } catch (error) {
      learner.dispose();
      throw error;
    }
  }

  #resolve({ setup }: Question): { recipe: Recipe; config: RunConfig } {
    try {
      return this.parts.recipes.of(setup);
    } catch (error) {
      throw new Invalid((error as Error).message);
    }
  }

  async #taskOf(recipe: Recipe, config: RunConfig): Promise<Task> {
    const key = JSON.stringify([recipe.spec.name, config]);
    if (this.#task?.key !== key) this.#task = { key, task: await recipe.open(config, this.parts.dataFolder) };
    return this.#task.task;
  }
}

function throttled(clock: () => number, report: () => void): () => void {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    if (clock() - last < progressEveryMs) return;
    last = clock();
    report();
  };
}
