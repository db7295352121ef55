/** The evaluations of a run: runs the requested ones, one slice at a time, and uses validations to keep the best parameters and to stop early. */
import type { Trigger } from '~/shared/events';
import type { Split } from '~/trainer/base/splits';
import type { Learner, Task } from '~/trainer/types';
import { Evaluator } from './evaluator';
import { isBest, mainOf } from './metrics';
import type { Output } from './output';
import type { State } from './runState';

export class Evaluations {
  /** For evaluations besides the requested ones. */
  readonly evaluator: Evaluator;

  /** @param best parameters of `state.best` */
  constructor(
    private readonly parts: { task: Task; learner: Learner; clock: () => number },
    private readonly state: State,
    private readonly output: Output,
    public best: Float32Array | null,
  ) {
    this.evaluator = new Evaluator(parts.task, parts.learner, parts.clock);
  }

  get waiting(): boolean {
    return this.state.pending.length > 0;
  }

  ask(split: Split, commandId: string): void {
    this.state.pending.push({ split, trigger: 'command', commandId });
  }

  /** @returns whether it was asked and not answered yet */
  cancel(commandId: string): boolean {
    const { pending } = this.state;
    const at = pending.findIndex((job) => job.commandId === commandId);
    if (at < 0) return false;
    pending.splice(at, 1);
    // Only the oldest may have begun.
    if (at === 0) this.evaluator.drop();
    return true;
  }

  validate(trigger: Trigger): void {
    this.state.pending.push({ split: 'validation', trigger, commandId: null });
  }

  /**
   * Runs one slice of the oldest requested evaluation, so that commands are read in between.
   * @param patience number of validations without a new best after which the run ends; null = never
   */
  async slice(patience: number | null): Promise<void> {
    const state = this.state;
    const job = state.pending[0]!;
    const result = await this.evaluator.slice(job.split);
    if (!result) return;
    state.pending.shift();
    const { loss, accuracy } = result;
    state.newestEvaluations[job.split] = { loss, accuracy };
    this.output.evaluation({ step: state.step, ...job, parametersStep: state.step }, result);
    // Evaluations requested by people do not change training.
    if (job.split !== 'validation' || job.trigger === 'command') return;
    state.validated = { step: state.step, loss, accuracy };
    if (isBest(this.parts.task, result, state.best)) {
      state.best = { step: state.step, loss, accuracy };
      state.evaluationsSinceBest = 0;
      state.checkpointDue = 'best';
      this.best = (await this.parts.learner.state()).params.slice();
      return;
    }
    const since = ++state.evaluationsSinceBest;
    if (patience === null || since < patience) return;
    state.enough = `early stop: ${since} validations without a better ${mainOf(this.parts.task, result).name}${state.best ? ` since step ${state.best.step}` : ''}`;
  }
}
