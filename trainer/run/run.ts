/** One training run: its state, an update, and the work between two updates. Uses no network or file, and no clock of its own. */

import type { Trigger } from '~/shared/events';
import { type Plan, planNotes, rateAt } from '~/shared/schedule';
import type { OpenedBackend } from '~/trainer/backends/types';
import type { RunConfig } from '~/trainer/base/config';
import { blobRefOf } from '~/trainer/base/hash';
import { encodeCheckpoint, parametersOf } from '~/trainer/nn/checkpoint';
import type { Hyper, Learner, ModelShape, StepMetrics, Task } from '~/trainer/types';
import { Asking } from './asking';
import { type Change, valuesToKeep } from './commands';
import { type Control, controlsOf, type Facts, type Settings } from './controls';
import { Evaluations } from './evaluations';
import type { Result } from './evaluator';
import { describeMetric, mainOf, metricsOf } from './metrics';
import { notFinite } from './notFinite';
import { type Ordered, Orders } from './orders';
import { type Origin, openCheckpoint, restoreSettings } from './origin';
import { Output } from './output';
import { epochIsOver, stepsLeft } from './position';
import { columnsOf, Throughput } from './rows';
import { asBranch, freshState, type State } from './runState';
import { Samples } from './samples';
import { SnapshotTaker } from './snapshotTaker';
import { startedEvent } from './started';
import { checkNumbers } from './taskRules';

export interface RunParts {
  /** The recipe's name. */
  recipe: string;
  config: RunConfig;
  runId: string | null;
  task: Task;
  shape: ModelShape;
  learner: Learner;
  backend: Pick<OpenedBackend, 'name' | 'device' | 'tried'>;
  clock: () => number;
}

export class Run implements Ordered {
  readonly output: Output;
  readonly orders: Orders;
  readonly #controls: Control[];
  readonly #settings: Settings;
  readonly #changes = new Map<string, Change>();
  readonly #state: State;
  readonly #throughput = new Throughput();
  readonly evaluations: Evaluations;
  readonly asking: Asking;
  readonly #samples: Samples;
  #questionsTurn = false;
  readonly #snapshots: SnapshotTaker;
  readonly #origin: 'new' | 'same run' | 'branch';
  #stopMessage: string | null = null;

  /** @throws CheckpointError when the origin does not fit the run */
  constructor(
    private readonly parts: RunParts,
    origin: Origin,
  ) {
    const { recipe, config, task, learner, runId, clock } = parts;
    checkNumbers(task, learner.params);
    this.#controls = controlsOf(config, task);
    this.#settings = { config: structuredClone(config), probeExamples: null, snapshotDrift: null };
    this.output = new Output(learner.params, task, clock);
    const given = origin.kind === 'checkpoint' ? origin.given : undefined;
    const from =
      origin.kind === 'checkpoint' ? openCheckpoint(origin.bytes, origin.step, { recipe, config, task }, learner.params) : null;
    this.#origin = 'new';
    this.#state = freshState();
    if (from) {
      const { values: _values, updates: _updates, ...state } = from.state;
      restoreSettings(from, this.#controls, this.#settings, this.#changes, given);
      learner.load(from.learner);
      this.#origin = from.runId !== null && from.runId === runId ? 'same run' : 'branch';
      this.#state = this.#origin === 'branch' ? asBranch(state) : state;
    } else if (origin.kind === 'parameters')
      learner.load({ params: parametersOf(learner.params, origin.bytes), m: null, v: null, updates: 0 });
    this.evaluations = new Evaluations(parts, this.#state, this.output, from?.best ?? null);
    const nameable = {
      columns: columnsOf(learner.params, task),
      metrics: metricsOf(task, { loss: 0, accuracy: 0 }, false),
    };
    this.orders = new Orders(this, this.#state, this.output, this.#controls, this.#changes, nameable);
    this.asking = new Asking(this.#state, this.output, () => ({
      task,
      learner,
      probe: () => this.#snapshots.probe(this.#settings.probeExamples),
    }));
    this.#samples = new Samples(parts, this.#state, this.output);
    this.#snapshots = new SnapshotTaker({ ...parts, probeSize: config.probeSize }, this.output, from?.previous ?? null);
  }

  // ---- state for the loop ----

  get step(): number {
    return this.#state.step;
  }
  get paused(): boolean {
    return this.#state.paused;
  }
  get stepsToPause(): number | null {
    return this.#state.stepsToPause;
  }
  get stopped(): boolean {
    return this.#stopMessage !== null;
  }
  get ended(): boolean {
    return this.#state.ended !== null;
  }
  /** Questions or evaluations must still be answered with the current parameters. */
  get measuring(): boolean {
    return this.asking.waiting || this.evaluations.waiting || this.#samples.waiting;
  }
  get over(): boolean {
    return this.ended || this.stopped;
  }
  get shape(): ModelShape {
    return this.parts.shape;
  }

  /** Why the run ends before the next update; null = it continues. */
  endReason(): string | null {
    const { position } = this.#state;
    const { epochs } = this.#settings.config;
    if (this.#state.enough !== null) return this.#state.enough;
    if (position.epoch >= epochs) return `${epochs} epoch${epochs === 1 ? '' : 's'} done`;
    return null;
  }

  // ---- start and end ----

  async begin(): Promise<void> {
    const { step, paused, ended } = this.#state;
    this.#announce();
    if (ended) {
      this.output.status(ended.status, step, ended.message);
      return;
    }
    if (paused) this.output.status('paused', step, `paused at step ${step}, as before`);
    else this.output.status('running', step, `training on ${this.parts.backend.name}`);
    if (this.#origin === 'same run') return;
    for (const message of planNotes(this.plan()))
      this.output.emit({ type: 'alert', step, level: 'warning', kind: 'schedule', message });
    // A branch records a snapshot at once, but drift is still measured against the parent's last snapshot.
    await this.#snapshots.take(step, this.#settings.probeExamples, 'start', null, this.#origin !== 'branch');
    if (this.#origin === 'branch') return;
    // Before any command: a run that loses its trainer continues from here, and later commands are replayed.
    await this.checkpoint('start', null);
  }

  /** Writes a checkpoint because the process ends before the run: the next trainer continues from it. */
  leave(): Promise<void> {
    return this.checkpoint('shutdown', null);
  }

  /** Logs the description of the run: at the start, and again when people changed its length. */
  #announce(): void {
    const { parts, step } = this;
    this.output.emit(startedEvent(parts, this.#controls, this.#settings, step, Math.max(1, this.plannedSteps())));
  }

  /** Last snapshot, validation and test with the best parameters, last checkpoint. Yields between its parts. */
  async *finish(reason: string): AsyncGenerator<void> {
    const state = this.#state;
    const { learner } = this.parts;
    if (!this.#snapshots.tookOneAt(state.step)) await this.snapshot('end', null);
    if (state.validated?.step !== state.step) this.evaluations.validate('end');
    this.#samples.ended();
    for (; this.measuring; yield) await this.measureSlice();
    const last = await learner.state();
    const { best } = state;
    if (best && this.evaluations.best) learner.load({ ...last, params: this.evaluations.best });
    const parametersStep = best?.step ?? state.step;
    const said: string[] = [];
    try {
      for (const split of ['validation', 'test'] as const) {
        let result: Result | null = null;
        for (; !result; yield) result = await this.evaluations.evaluator.slice(split);
        this.output.evaluation({ step: state.step, split, trigger: 'end', commandId: null, parametersStep }, result);
        said.push(`${split} ${describeMetric(mainOf(this.parts.task, result))}`);
      }
    } finally {
      learner.load(last);
    }
    const of = best ? `parameters of step ${parametersStep}` : 'last parameters';
    await this.#end('finished', `${reason}: ${said.join(', ')} (${of})`);
  }

  async finishStopped(): Promise<void> {
    if (!this.#snapshots.tookOneAt(this.step)) await this.snapshot('end', null);
    await this.#end('stopped', this.#stopMessage!);
  }

  async #end(status: 'finished' | 'stopped', message: string): Promise<void> {
    const state = this.#state;
    this.orders.refuseHeld();
    state.ended = { status, message };
    await this.checkpoint('end', null);
    this.output.status(status, state.step, message);
  }

  fail(error: unknown): void {
    this.output.status('failed', this.step, `step ${this.step}: ${error instanceof Error ? error.message : String(error)}`);
  }

  // ---- state for commands ----

  facts(): Facts {
    const { position, step } = this.#state;
    return { settings: this.#settings, task: this.parts.task, position, step };
  }

  plannedSteps(): number {
    const { step, position } = this.#state;
    const { batchSize, epochs } = this.#settings.config;
    return step + stepsLeft(position, batchSize, this.parts.task.sizes.train, epochs);
  }

  plan(): Plan {
    const { optimizer, schedule } = this.#settings.config;
    const { kind, warmupSteps, maxSteps } = schedule;
    const totalSteps = Math.max(1, this.plannedSteps());
    return { kind, warmupSteps, base: optimizer.learningRate, totalSteps, endStep: maxSteps ?? totalSteps };
  }

  lengthChanged(): void {
    this.#rollOver();
    this.#announce();
  }

  // ---- effects of actions ----

  pause(message: string): void {
    this.#state.paused = true;
    this.#state.stepsToPause = null;
    this.#throughput.pause();
    this.output.status('paused', this.step, message);
  }

  resume(steps: number | null, message: string): void {
    this.#state.paused = false;
    this.#state.stepsToPause = steps;
    this.output.status('running', this.step, message);
  }

  stop(message: string): void {
    this.#stopMessage = message;
  }

  // ---- between two updates ----

  /** Runs one slice of the open questions and evaluations, so that commands are read in between. Both have their turns: none waits for the many passes of another. */
  measureSlice(): Promise<void> {
    this.#questionsTurn = !this.#questionsTurn;
    if (this.asking.waiting && (this.#questionsTurn || !this.evaluations.waiting)) return this.asking.slice();
    const { earlyStopPatience } = this.#settings.config;
    return this.evaluations.waiting ? this.evaluations.slice(earlyStopPatience) : this.#samples.slice();
  }

  /** The last work before an update: writes a due checkpoint, which contains everything decided at this step. */
  async leaveBoundary(): Promise<void> {
    const due = this.#state.checkpointDue;
    if (due) await this.checkpoint(due, null);
  }

  // ---- an update ----

  async update(): Promise<void> {
    const { task, learner, clock } = this.parts;
    const state = this.#state;
    const { batchSize, optimizer } = this.#settings.config;
    const { step } = state;
    const { epoch, index } = state.position;
    const startedMs = clock();
    const hyper = this.#hyper();
    const metrics = await learner.step(task.trainBatch(epoch, index, batchSize), hyper, step);
    const endedMs = clock();
    const stepMs = endedMs - startedMs;
    this.output.row(step, {
      metrics,
      hyper,
      baseLearningRate: optimizer.learningRate,
      batchSize,
      epoch: epoch + index / task.sizes.train,
      stepMs,
      stepsPerSecond: this.#throughput.add(endedMs, stepMs),
    });
    state.step = step + 1;
    state.position.index = index + batchSize;
    await this.#afterUpdate(metrics);
  }

  #hyper(): Hyper {
    const { optimizer, clip, model, gradientAccumulation } = this.#settings.config;
    const { kind: _kind, learningRate: _base, ...rest } = optimizer;
    const learningRate = rateAt(this.plan(), this.#state.step);
    const { dropout, inputDropout } = model;
    return { ...rest, learningRate, clip: { ...clip }, dropout, inputDropout, accumulation: gradientAccumulation ?? 1 };
  }

  async #afterUpdate(metrics: StepMetrics): Promise<void> {
    const state = this.#state;
    const { evaluateEverySteps, snapshotEverySteps, checkpointEverySteps } = this.#settings.config;
    this.#watchFinite(metrics);
    this.#rollOver();
    this.#samples.stepped();
    if (evaluateEverySteps !== null && state.step % evaluateEverySteps === 0) this.evaluations.validate('cadence');
    if (state.step % snapshotEverySteps === 0 || state.step === state.driftSnapshotAt) await this.snapshot('cadence', null);
    if (state.step % checkpointEverySteps === 0) state.checkpointDue ??= 'cadence';
    if (state.stepsToPause === null) return;
    state.stepsToPause--;
    if (state.stepsToPause === 0) this.pause(`paused at step ${state.step}`);
  }

  /** Begins the next epoch when no whole batch of this one is left. */
  #rollOver(): void {
    const { position } = this.#state;
    const { batchSize, evaluateEverySteps } = this.#settings.config;
    if (position.index === 0 || !epochIsOver(position, batchSize, this.parts.task.sizes.train)) return;
    position.epoch++;
    position.index = 0;
    if (evaluateEverySteps === null) this.evaluations.validate('epoch');
  }

  /** A number that is not finite pauses the run, so that people can look; the server does not allow anybody to resume it unchanged. */
  #watchFinite(metrics: StepMetrics): void {
    const state = this.#state;
    const finite = Number.isFinite(metrics.loss) && Number.isFinite(metrics.gradNorm);
    if (!finite && !state.notFinite) {
      const step = state.step - 1;
      const message = `${notFinite(metrics, this.parts.learner.params)} at step ${step}`;
      this.output.emit({ type: 'alert', step, level: 'error', kind: 'not-finite', message });
      this.pause(`${message}; take the run back to a checkpoint, branch from one, or stop`);
    }
    state.notFinite = !finite;
  }

  // ---- what is recorded ----

  async snapshot(trigger: Trigger, commandId: string | null): Promise<void> {
    const { probeExamples, snapshotDrift, config } = this.#settings;
    const drift = await this.#snapshots.take(this.step, probeExamples, trigger, commandId, commandId === null);
    // One that somebody asked for leaves no trace: the run's own snapshots stay those of a run without it.
    if (commandId !== null) return;
    const soon = snapshotDrift !== null && drift > snapshotDrift;
    this.#state.driftSnapshotAt = soon ? this.step + Math.ceil(config.snapshotEverySteps / 4) : null;
  }

  async checkpoint(trigger: Trigger, commandId: string | null): Promise<void> {
    const state = this.#state;
    // A checkpoint requested by people does not replace the due one.
    if (commandId === null) state.checkpointDue = null;
    const { runId, recipe, config, task, learner } = this.parts;
    const learnerState = await learner.state();
    const blob = encodeCheckpoint(learner.params, {
      runId,
      recipe,
      config,
      fingerprint: task.fingerprint ?? null,
      state: { ...state, updates: learnerState.updates, values: valuesToKeep(this.#controls, this.#settings, this.#changes) },
      learner: learnerState,
      best: this.evaluations.best,
      previous: this.#snapshots.previous,
    });
    const { step, lastCommandSeq, validated } = state;
    const main = validated?.step === step ? { split: 'validation', metric: mainOf(task, validated) } : undefined;
    this.output.emit(
      { type: 'checkpoint', step, blob: blobRefOf(blob), trigger, commandId, lastCommandSeq, ...(main && { main }) },
      blob,
    );
  }
}
