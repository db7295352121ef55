/** One training run: its state, and what happens to it in an update and between two. Knows no network, file or clock of its own. */
import type { LoggedCommand } from '~/shared/commands';
import type { RunConfig } from '~/shared/config';
import { controlValueError } from '~/shared/controls';
import type { Occasion, Split, TrainerEvent } from '~/shared/events';
import type { Assignment } from '~/shared/protocol';
import type { Steered } from './actions';
import type { OpenedBackend } from './backends/types';
import { type Checkpoint, CheckpointError, decodeCheckpoint, encodeCheckpoint, parametersOf, type RunState } from './checkpoint';
import { answer, type Change, type Desk, declaration } from './commands';
import { type Control, controlsOf, type Settings } from './controls';
import { Evaluator } from './evaluator';
import { blobRefOf } from './hash';
import { epochIsOver, stepsLeft } from './position';
import { Rows, seriesOf, Throughput } from './rows';
import { learningRateAt } from './schedule';
import { encodeSnapshot } from './snapshot';
import type { Hyper, Learner, LearnerState, ModelShape, Probe, StepMetrics, Task, TrainOutput } from './types';
import { percent } from './words';

export type Replay = NonNullable<Assignment['resume']>['replay'];

export interface RunParts {
  config: RunConfig;
  runId: string | null;
  task: Task;
  shape: ModelShape;
  learner: Learner;
  backend: Pick<OpenedBackend, 'name' | 'device' | 'tried'>;
  clock: () => number;
}

/** What a run starts from. */
export type Origin =
  | { kind: 'random' }
  /** Parameters alone. */
  | { kind: 'parameters'; bytes: Uint8Array }
  /** `step` is what the log says the checkpoint's is. */
  | { kind: 'checkpoint'; bytes: Uint8Array; step: number };

export class Run implements Steered {
  readonly #parts: RunParts;
  readonly #controls: Control[];
  readonly #settings: Settings;
  readonly #changes = new Map<string, Change>();
  readonly #state: Omit<RunState, 'values' | 'updates'>;
  readonly #rows: Rows;
  readonly #throughput = new Throughput();
  readonly #evaluator: Evaluator;
  readonly #out: TrainOutput[] = [];
  readonly #announceStart: boolean;
  #best: Float32Array | null;
  #previous: Checkpoint['previousMaps'];
  #probe: { chosen: string | null; probe: Probe } | null = null;
  #lastSnapshotStep = -1;
  #stopMessage: string | null = null;

  /** @throws CheckpointError when the origin does not fit the run; the learner is unchanged then */
  constructor(parts: RunParts, origin: Origin) {
    const { config, task, learner } = parts;
    this.#parts = parts;
    this.#controls = controlsOf(config, task);
    this.#settings = { config: structuredClone(config), probeExamples: null };
    this.#rows = new Rows(learner.params);
    this.#evaluator = new Evaluator(task, learner, parts.clock);
    const from = origin.kind === 'checkpoint' ? this.#decode(origin.bytes, origin.step) : null;
    const sameRun = from !== null && from.runId !== null && from.runId === parts.runId;
    this.#announceStart = from === null;
    this.#state = {
      step: 0,
      position: { epoch: 0, index: 0 },
      lastCommandSeq: 0,
      best: null,
      validated: null,
      evaluationsSinceBest: 0,
      previousProbe: null,
      notFinite: false,
      paused: false,
      stepsToPause: null,
      pending: [],
      checkpointDue: null,
      ended: null,
      ...from?.state,
      // A branch has a log of its own, and nobody has paused or ended it yet.
      ...(from && !sameRun && { lastCommandSeq: 0, paused: false, stepsToPause: null, ended: null }),
    };
    this.#best = from?.best ?? null;
    this.#previous = from?.previousMaps ?? null;
    if (from) {
      this.#restoreSettings(from);
      learner.load(from.learner);
    } else if (origin.kind === 'parameters')
      learner.load({ params: parametersOf(learner.params, origin.bytes), m: null, v: null, updates: 0 });
  }

  #decode(bytes: Uint8Array, step: number): Checkpoint {
    const { config, learner } = this.#parts;
    const checkpoint = decodeCheckpoint(learner.params, bytes);
    if (checkpoint.state.step !== step)
      throw new CheckpointError(`the checkpoint is of step ${checkpoint.state.step}, the run is to go on from step ${step}`);
    const fixed: [string, (c: RunConfig) => unknown][] = [
      ['task', (c) => c.task],
      ['model.layers', (c) => c.model.layers],
      ['model.heads', (c) => c.model.heads],
      ['model.modelDim', (c) => c.model.modelDim],
      ['optimizer.kind', (c) => c.optimizer.kind],
    ];
    for (const [name, of] of fixed) {
      const [theirs, ours] = [JSON.stringify(of(checkpoint.config)), JSON.stringify(of(config))];
      if (theirs !== ours)
        throw new CheckpointError(
          `${name}: the checkpoint has ${theirs}, the run ${ours}; they must be the same to go on from it`,
        );
    }
    return checkpoint;
  }

  /** Values as they were steered; where the run's config differs from the checkpoint's (a branch with changes), the config holds. */
  #restoreSettings({ config, state }: Checkpoint): void {
    const theirs: Settings = { config, probeExamples: null };
    for (const { spec, read, write } of this.#controls) {
      const saved = state.values[spec.name];
      if (!saved || !Object.is(read(theirs), read(this.#settings))) continue;
      const error = controlValueError(spec, saved.value);
      if (error) throw new CheckpointError(`corrupt checkpoint: ${error}`);
      write(this.#settings, saved.value);
      if (saved.changedBy) this.#changes.set(spec.name, { by: saved.changedBy, step: saved.changedAtStep });
    }
  }

  // ---- what the loop asks ----

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
  get evaluating(): boolean {
    return this.#state.pending.length > 0;
  }
  /** What happened since the last call, in order. Rows wait a while to be sent together, unless `rows`. */
  drain(rows: boolean): TrainOutput[] {
    if (rows || this.#rows.count >= 64 || (this.#rows.count > 0 && this.#parts.clock() - this.#rows.sinceMs >= 50))
      this.#flushRows();
    return this.#out.splice(0);
  }

  #flushRows(): void {
    const event = this.#rows.take();
    if (event) this.#out.push({ event, blob: null });
  }

  #emit(event: TrainerEvent, blob: Uint8Array | null = null): void {
    this.#flushRows();
    this.#out.push({ event, blob });
  }

  // ---- start and end ----

  async begin(): Promise<void> {
    const state = this.#state;
    this.#emitStarted();
    if (state.ended) {
      this.#emit({ type: 'status', step: state.step, ...state.ended });
      return;
    }
    this.#emitStatus(
      state.paused ? 'paused' : 'running',
      state.paused ? `paused at step ${state.step}, as before` : `training on ${this.#parts.backend.name}`,
    );
    if (!this.#announceStart) return;
    await this.#snapshot('start', null);
    // Before any command: a run that loses its trainer goes on from here, and what was asked since is replayed.
    await this.#checkpoint('start', null);
  }

  get ended(): boolean {
    return this.#state.ended !== null;
  }

  /** Why the run is over before the next update; null = it goes on. */
  endReason(): string | null {
    const { position, evaluationsSinceBest, best } = this.#state;
    const { epochs, earlyStopPatience } = this.#settings.config;
    if (earlyStopPatience !== null && evaluationsSinceBest >= earlyStopPatience)
      return `early stop: ${evaluationsSinceBest} validations without a new best${best ? ` since step ${best.step}` : ''}`;
    if (position.epoch >= epochs) return `${epochs} epoch${epochs === 1 ? '' : 's'} done`;
    return null;
  }

  /** Last snapshot, validation and test with the best parameters, last checkpoint. The caller drains between the parts. */
  async *finish(reason: string): AsyncGenerator<void> {
    const state = this.#state;
    const { learner } = this.#parts;
    if (this.#lastSnapshotStep !== state.step) await this.#snapshot('end', null);
    if (state.validated?.step !== state.step) {
      state.pending.push({ split: 'validation', occasion: 'end', commandId: null });
      yield* this.#evaluateAll();
    }
    const last = await learner.state();
    const best = state.best;
    const accuracy: Partial<Record<Split, number>> = {};
    if (best && this.#best) learner.load({ ...last, params: this.#best });
    try {
      for (const split of ['validation', 'test'] as const) {
        const result = this.#evaluator.run(split);
        for await (const done of result) {
          if (done) {
            accuracy[split] = done.accuracy;
            this.#emitEvaluation(split, 'end', null, done, best?.step ?? state.step);
          }
          yield;
        }
      }
    } finally {
      learner.load(last);
    }
    const of = best ? `parameters of step ${best.step}` : 'last parameters';
    const message = `${reason}: validation ${percent(accuracy.validation!)}, test ${percent(accuracy.test!)} (${of})`;
    await this.#end('finished', message);
  }

  async finishStopped(): Promise<void> {
    if (this.#lastSnapshotStep !== this.step) await this.#snapshot('end', null);
    await this.#end('stopped', this.#stopMessage!);
  }

  async #end(status: 'finished' | 'stopped', message: string): Promise<void> {
    this.#state.ended = { status, message };
    await this.#checkpoint('end', null);
    this.#emitStatus(status, message);
  }

  fail(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.#emitStatus('failed', `step ${this.step}: ${why}`.slice(0, 2000));
  }

  // ---- between two updates ----

  async handle(logged: LoggedCommand): Promise<void> {
    const { seq, command } = logged;
    const state = this.#state;
    // Handled before: part of the checkpoint, or sent again.
    if (seq <= state.lastCommandSeq) return;
    const planned = this.#plannedSteps();
    const outcome = this.ended ? ENDED : answer(this.#desk(), logged);
    state.lastCommandSeq = seq;
    if (!outcome.ok) {
      const { reason, message } = outcome;
      this.#emit({
        type: 'command.refused',
        commandId: command.id,
        seq,
        step: state.step,
        reason,
        message: message.slice(0, 500),
      });
      return;
    }
    const { before, after, message } = outcome;
    this.#emit({
      type: 'command.applied',
      commandId: command.id,
      seq,
      step: state.step,
      before,
      after,
      message: message.slice(0, 500),
    });
    await outcome.effect?.();
    if (this.#plannedSteps() !== planned) {
      this.#rollOver();
      this.#emitStarted();
    }
  }

  #desk(): Desk {
    const { position, step } = this.#state;
    const facts = { settings: this.#settings, task: this.#parts.task, position, step };
    return { controls: this.#controls, facts, changes: this.#changes, run: this };
  }

  pause(message: string): void {
    this.#state.paused = true;
    this.#state.stepsToPause = null;
    this.#throughput.pause();
    this.#emitStatus('paused', message);
  }

  resume(steps: number | null, message: string): void {
    this.#state.paused = false;
    this.#state.stepsToPause = steps;
    this.#emitStatus('running', message);
  }

  stop(message: string): void {
    this.#stopMessage = message;
  }

  evaluate(split: Split, commandId: string): void {
    this.#state.pending.push({ split, occasion: 'command', commandId });
  }

  snapshot(commandId: string): Promise<void> {
    return this.#snapshot('command', commandId);
  }

  checkpoint(commandId: string): Promise<void> {
    return this.#checkpoint('command', commandId);
  }

  /** One slice of the oldest evaluation asked for, so that commands are heard in between. */
  async evaluateSlice(): Promise<void> {
    const job = this.#state.pending[0]!;
    const done = await this.#evaluator.slice(job.split);
    if (!done) return;
    this.#state.pending.shift();
    this.#emitEvaluation(job.split, job.occasion, job.commandId, done, this.step);
    // What people ask for leaves no trace in what follows.
    if (job.split === 'validation' && job.occasion !== 'command') await this.#validated(done);
  }

  async *#evaluateAll(): AsyncGenerator<void> {
    while (this.evaluating) {
      await this.evaluateSlice();
      yield;
    }
  }

  async #validated({ loss, accuracy }: { loss: number; accuracy: number }): Promise<void> {
    const state = this.#state;
    state.validated = { step: state.step, accuracy };
    if (!(accuracy > (state.best?.accuracy ?? Number.NEGATIVE_INFINITY))) {
      state.evaluationsSinceBest++;
      return;
    }
    state.best = { step: state.step, loss, accuracy };
    state.evaluationsSinceBest = 0;
    this.#best = (await this.#parts.learner.state()).params.slice();
    state.checkpointDue = 'best';
  }

  /** The last thing before an update: the checkpoint that came due, with all that was decided at this step in it. */
  async leaveBoundary(): Promise<void> {
    const due = this.#state.checkpointDue;
    if (due) await this.#checkpoint(due, null);
  }

  // ---- an update ----

  async update(): Promise<void> {
    const { task, learner, clock } = this.#parts;
    const state = this.#state;
    const { config } = this.#settings;
    const { batchSize } = config;
    const { step } = state;
    const { epoch, index } = state.position;
    const startedMs = clock();
    const hyper = this.#hyper();
    const metrics = await learner.step(task.trainBatch(epoch, index, batchSize), hyper, step);
    const endedMs = clock();
    const stepMs = endedMs - startedMs;
    this.#rows.add(
      step,
      {
        metrics,
        hyper,
        baseLearningRate: config.optimizer.learningRate,
        batchSize,
        epoch: epoch + index / task.sizes.train,
        stepMs,
        stepsPerSecond: this.#throughput.add(endedMs, stepMs),
      },
      endedMs,
    );
    state.step = step + 1;
    state.position.index = index + batchSize;
    await this.#afterUpdate(metrics);
  }

  #hyper(): Hyper {
    const { optimizer, schedule, clip, model } = this.#settings.config;
    const { learningRate: base, beta1, beta2, epsilon, weightDecay, momentum } = optimizer;
    const learningRate = learningRateAt(base, schedule, schedule.maxSteps ?? this.#plannedSteps(), this.#state.step);
    return {
      learningRate,
      beta1,
      beta2,
      epsilon,
      weightDecay,
      momentum,
      clip: { ...clip },
      dropout: model.dropout,
      inputDropout: model.inputDropout,
    };
  }

  async #afterUpdate(metrics: StepMetrics): Promise<void> {
    const state = this.#state;
    const { evaluateEverySteps, snapshotEverySteps, checkpointEverySteps } = this.#settings.config;
    this.#watchFinite(metrics);
    this.#rollOver();
    if (evaluateEverySteps !== null && state.step % evaluateEverySteps === 0) this.#evaluateValidation('cadence');
    if (state.step % snapshotEverySteps === 0) await this.#snapshot('cadence', null);
    if (state.step % checkpointEverySteps === 0) state.checkpointDue ??= 'cadence';
    if (state.stepsToPause !== null && !state.paused) {
      state.stepsToPause = state.stepsToPause > 1 ? state.stepsToPause - 1 : null;
      if (state.stepsToPause === null) this.pause(`paused at step ${state.step}`);
    }
  }

  /** Called where no whole batch may be left: begins the next epoch. */
  #rollOver(): void {
    const { position } = this.#state;
    const { batchSize, evaluateEverySteps } = this.#settings.config;
    if (position.index === 0 || !epochIsOver(position, batchSize, this.#parts.task.sizes.train)) return;
    position.epoch++;
    position.index = 0;
    if (evaluateEverySteps === null) this.#evaluateValidation('epoch');
  }

  #evaluateValidation(occasion: Occasion): void {
    this.#state.pending.push({ split: 'validation', occasion, commandId: null });
  }

  /** A number that is none stops the run once, so that people can look; going on from there is their decision. */
  #watchFinite({ loss, gradNorm, paramGradNorms }: StepMetrics): void {
    const state = this.#state;
    const finite = Number.isFinite(loss) && Number.isFinite(gradNorm);
    if (!finite && !state.notFinite) {
      const step = state.step - 1;
      const at = paramGradNorms.findIndex((norm) => !Number.isFinite(norm));
      const parts = [
        ...(Number.isFinite(loss) ? [] : [`loss is ${loss}`]),
        ...(Number.isFinite(gradNorm) ? [] : [`gradient norm is ${gradNorm}`]),
        ...(at < 0 ? [] : [`first in ${this.#parts.learner.params[at]!.name}`]),
      ];
      const message = `${parts.join(', ')} at step ${step}`;
      this.#emit({ type: 'alert', step, level: 'error', kind: 'not-finite', message });
      this.pause(`${message}; change a value and resume, or stop`);
    }
    state.notFinite = !finite;
  }

  #plannedSteps(): number {
    const { step, position } = this.#state;
    const { batchSize, epochs } = this.#settings.config;
    return step + stepsLeft(position, batchSize, this.#parts.task.sizes.train, epochs);
  }

  // ---- what is recorded ----

  #emitStarted(): void {
    const { backend, learner, task } = this.#parts;
    this.#emit({
      type: 'run.started',
      step: this.step,
      backend: {
        name: backend.name,
        device: backend.device,
        tried: backend.tried.map(({ backend, reason }) => ({ backend, reason })),
      },
      series: seriesOf(learner.params),
      controls: declaration(this.#controls),
      values: Object.fromEntries(this.#controls.map((c) => [c.spec.name, c.read(this.#settings)])),
      params: learner.params.map(({ name, shape }) => ({ name, shape: [...shape] })),
      stepsPerEpoch: Math.floor(task.sizes.train / this.#settings.config.batchSize),
      totalSteps: Math.max(1, this.#plannedSteps()),
    });
  }

  #emitStatus(status: 'running' | 'paused' | 'finished' | 'stopped' | 'failed', message: string): void {
    this.#emit({ type: 'status', status, step: this.step, message });
  }

  #emitEvaluation(
    split: Split,
    occasion: Occasion,
    commandId: string | null,
    { loss, accuracy, examples, elapsedMs }: { loss: number; accuracy: number; examples: number; elapsedMs: number },
    parametersStep: number,
  ): void {
    this.#emit({
      type: 'evaluation',
      step: this.step,
      split,
      loss,
      accuracy,
      examples,
      elapsedMs,
      occasion,
      commandId,
      parametersStep,
    });
  }

  async #snapshot(occasion: Occasion, commandId: string | null): Promise<void> {
    const { task, runId, shape, learner } = this.#parts;
    const { step } = this;
    const chosen = this.#settings.probeExamples;
    if (this.#probe?.chosen !== chosen || !this.#probe)
      this.#probe = { chosen, probe: task.probe(this.#settings.config.probeSize, chosen) };
    const { probe } = this.#probe;
    const attended = await learner.attend(probe.batch);
    const { layers, heads, seqLen } = shape;
    const { size } = probe.batch;
    const maps = { shape: [size, layers, heads, seqLen, seqLen], data: attended.maps };
    const comparable = this.#previous && this.#state.previousProbe === chosen && this.#previous.data.length === maps.data.length;
    const { blob, signals } = encodeSnapshot({
      task: task.kind,
      runId,
      step,
      shape,
      probe,
      attended,
      previous: comparable ? this.#previous!.data : null,
    });
    this.#previous = maps;
    this.#state.previousProbe = chosen;
    this.#lastSnapshotStep = step;
    const sizes = { layers, heads, examples: size, queries: seqLen, keys: seqLen };
    this.#emit({ type: 'snapshot', step, blob: blobRefOf(blob), occasion, commandId, ...sizes, signals }, blob);
  }

  async #checkpoint(occasion: Occasion, commandId: string | null): Promise<void> {
    const state = this.#state;
    // One that people asked for does not replace the one that is due.
    if (commandId === null) state.checkpointDue = null;
    const { runId, config, learner } = this.#parts;
    const learnerState: LearnerState = await learner.state();
    const values: RunState['values'] = {};
    for (const { spec, read } of this.#controls) {
      const change = this.#changes.get(spec.name);
      values[spec.name] = { value: read(this.#settings), changedBy: change?.by ?? null, changedAtStep: change?.step ?? 0 };
    }
    const blob = encodeCheckpoint(learner.params, {
      runId,
      config,
      state: { ...state, updates: learnerState.updates, values },
      learner: learnerState,
      best: this.#best,
      previousMaps: this.#previous,
    });
    const { step, lastCommandSeq, validated } = state;
    const validationAccuracy = validated?.step === step ? validated.accuracy : null;
    this.#emit(
      { type: 'checkpoint', step, blob: blobRefOf(blob), occasion, commandId, lastCommandSeq, validationAccuracy },
      blob,
    );
  }
}

const ENDED = { ok: false, reason: 'run-ended', message: 'the run has ended', field: null } as const;
