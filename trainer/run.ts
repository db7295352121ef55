/** One training run: its state, and what happens to it in an update and between two. Knows no network, file or clock of its own. */
import { conditionInWords, type LoggedCommand, type Refusal, refuse } from '~/shared/commands';
import type { RunConfig } from '~/shared/config';
import type { ControlValue } from '~/shared/controls';
import type { Occasion, Split } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import type { Steered } from './actions';
import type { OpenedBackend } from './backends/types';
import { encodeCheckpoint, parametersOf, type RunState } from './checkpoint';
import { answer, type Change, type Desk, declaration, misfit } from './commands';
import { impossible, isMet } from './conditions';
import { type Control, controlsOf, type Settings } from './controls';
import { Evaluator, type Result } from './evaluator';
import { blobRefOf } from './hash';
import { type Origin, openCheckpoint, restoreSettings } from './origin';
import { Output } from './output';
import { epochIsOver, stepsLeft } from './position';
import type { AskedOf } from './questions';
import { seriesOf, Throughput } from './rows';
import { learningRateAt } from './schedule';
import { SnapshotTaker } from './snapshotTaker';
import type { Hyper, Learner, ModelShape, StepMetrics, Task } from './types';
import { percent } from './words';

export interface RunParts {
  config: RunConfig;
  runId: string | null;
  task: Task;
  shape: ModelShape;
  learner: Learner;
  backend: Pick<OpenedBackend, 'name' | 'device' | 'tried'>;
  clock: () => number;
}

type State = Omit<RunState, 'values' | 'updates'>;

const fresh: State = {
  step: 0,
  position: { epoch: 0, index: 0 },
  lastCommandSeq: 0,
  held: [],
  best: null,
  validated: null,
  newestEvaluations: {},
  evaluationsSinceBest: 0,
  notFinite: false,
  paused: false,
  stepsToPause: null,
  pending: [],
  driftSnapshotAt: null,
  checkpointDue: null,
  ended: null,
};

/** A branch has a log of its own: what people did to its parent's log and pauses is not its affair, what its parent computed is. */
const asBranch = (state: State): State => ({
  ...state,
  lastCommandSeq: 0,
  held: [],
  paused: false,
  stepsToPause: null,
  pending: state.pending.filter((job) => job.commandId === null),
  ended: null,
});

export class Run implements Steered {
  readonly output: Output;
  readonly #parts: RunParts;
  readonly #controls: Control[];
  readonly #settings: Settings;
  readonly #changes = new Map<string, Change>();
  readonly #state: State;
  readonly #throughput = new Throughput();
  readonly #evaluator: Evaluator;
  readonly #snapshots: SnapshotTaker;
  readonly #origin: 'new' | 'same run' | 'branch';
  /** Commands answered by this process; those up to `#answeredBefore` were by an earlier one. */
  readonly #answered = new Set<number>();
  readonly #answeredBefore: number;
  #best: Float32Array | null;
  #replaying = false;
  #stopMessage: string | null = null;

  /** @throws CheckpointError when the origin does not fit the run */
  constructor(parts: RunParts, origin: Origin) {
    const { config, task, learner, runId, clock } = parts;
    this.#parts = parts;
    this.#controls = controlsOf(config, task);
    this.#settings = { config: structuredClone(config), probeExamples: null, snapshotDrift: null };
    this.output = new Output(learner.params, clock);
    this.#evaluator = new Evaluator(task, learner, clock);
    const from = origin.kind === 'checkpoint' ? openCheckpoint(origin.bytes, origin.step, config, learner.params) : null;
    this.#origin = 'new';
    this.#state = structuredClone(fresh);
    if (from) {
      const { values: _values, updates: _updates, ...state } = from.state;
      restoreSettings(from, this.#controls, this.#settings, this.#changes);
      learner.load(from.learner);
      this.#origin = from.runId !== null && from.runId === runId ? 'same run' : 'branch';
      this.#state = this.#origin === 'branch' ? asBranch(state) : state;
    } else if (origin.kind === 'parameters')
      learner.load({ params: parametersOf(learner.params, origin.bytes), m: null, v: null, updates: 0 });
    this.#best = from?.best ?? null;
    this.#answeredBefore = this.#state.lastCommandSeq;
    this.#snapshots = new SnapshotTaker({ ...parts, probeSize: config.probeSize }, this.output, from?.previous ?? null);
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
  get ended(): boolean {
    return this.#state.ended !== null;
  }
  get evaluating(): boolean {
    return this.#state.pending.length > 0;
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

  // ---- start and end ----

  async begin(): Promise<void> {
    const { step, paused, ended } = this.#state;
    this.#announce();
    if (ended) {
      this.output.status(ended.status, step, ended.message);
      return;
    }
    if (paused) this.output.status('paused', step, `paused at step ${step}, as before`);
    else this.output.status('running', step, `training on ${this.#parts.backend.name}`);
    if (this.#origin === 'same run') return;
    // A branch is seen at once, but what its parent's next snapshot was measured against stays.
    await this.#snapshots.take(step, this.#settings.probeExamples, 'start', null, this.#origin !== 'branch');
    if (this.#origin === 'branch') return;
    // Before any command: a run that loses its trainer goes on from here, and what was asked since is replayed.
    await this.#checkpoint('start', null);
  }

  /** The process ends before the run does: whoever goes on with it starts from here. */
  leave(): Promise<void> {
    return this.#checkpoint('shutdown', null);
  }

  /** Says what the run is: at the start, and again when people changed its length. */
  #announce(): void {
    const { backend, learner, task } = this.#parts;
    this.output.emit({
      type: 'run.started',
      step: this.step,
      backend: { name: backend.name, device: backend.device, tried: backend.tried.map((t) => ({ ...t })) },
      series: seriesOf(learner.params),
      controls: declaration(this.#controls),
      values: Object.fromEntries(this.#controls.map((c) => [c.spec.name, c.read(this.#settings)])),
      params: learner.params.map(({ name, shape }) => ({ name, shape: [...shape] })),
      stepsPerEpoch: Math.floor(task.sizes.train / this.#settings.config.batchSize),
      totalSteps: Math.max(1, this.#plannedSteps()),
    });
  }

  /** Last snapshot, validation and test with the best parameters, last checkpoint. Yields between its parts. */
  async *finish(reason: string): AsyncGenerator<void> {
    const state = this.#state;
    const { learner } = this.#parts;
    if (!this.#snapshots.tookOneAt(state.step)) await this.#snapshot('end', null);
    if (state.validated?.step !== state.step) {
      this.#evaluateValidation('end');
      for (; this.evaluating; yield) await this.evaluateSlice();
    }
    const last = await learner.state();
    const { best } = state;
    if (best && this.#best) learner.load({ ...last, params: this.#best });
    const parametersStep = best?.step ?? state.step;
    const accuracy = { validation: Number.NaN, test: Number.NaN };
    try {
      for (const split of ['validation', 'test'] as const) {
        let result: Result | null = null;
        for (; !result; yield) result = await this.#evaluator.slice(split);
        this.output.evaluation({ step: state.step, split, occasion: 'end', commandId: null, parametersStep }, result);
        accuracy[split] = result.accuracy;
      }
    } finally {
      learner.load(last);
    }
    const of = best ? `parameters of step ${parametersStep}` : 'last parameters';
    await this.#end('finished', `${reason}: validation ${percent(accuracy.validation)}, test ${percent(accuracy.test)} (${of})`);
  }

  async finishStopped(): Promise<void> {
    if (!this.#snapshots.tookOneAt(this.step)) await this.#snapshot('end', null);
    await this.#end('stopped', this.#stopMessage!);
  }

  async #end(status: 'finished' | 'stopped', message: string): Promise<void> {
    const state = this.#state;
    for (const logged of state.held.splice(0)) this.#refuse(logged, refuse('run-ended', `the run ended before it came to that`));
    state.ended = { status, message };
    await this.#checkpoint('end', null);
    this.output.status(status, state.step, message);
  }

  fail(error: unknown): void {
    this.output.status('failed', this.step, `step ${this.step}: ${error instanceof Error ? error.message : String(error)}`);
  }

  // ---- commands ----

  /** A command from the log: answered once, held when it names a condition that is not met yet. */
  async handle(logged: LoggedCommand): Promise<void> {
    const { seq, command } = logged;
    if (seq <= this.#answeredBefore || this.#answered.has(seq)) return;
    this.#remember(seq);
    const { when } = command;
    if (this.ended || this.stopped) return this.#refuse(logged, refuse('run-ended', 'the run has ended'));
    if (!when) return this.#apply(logged);
    const columns = seriesOf(this.#parts.learner.params).map((s) => s.name);
    const never = impossible(when, this.step, columns);
    const wrong = never === null ? misfit({ controls: this.#controls }, logged) : refuse('invalid', never, 'when');
    if (wrong) return this.#refuse(logged, wrong);
    if (this.#isMet(logged)) return this.#apply(logged);
    this.#hold(logged);
    const { step } = this;
    this.output.emit({
      type: 'command.scheduled',
      commandId: command.id,
      seq,
      step,
      message: `waits: ${conditionInWords(when)}`,
    });
  }

  /** A command of the recorded run, at the step at which it took effect there, whatever its condition. */
  async replay(logged: LoggedCommand): Promise<void> {
    const { held } = this.#state;
    const at = held.findIndex((h) => h.seq === logged.seq);
    if (at >= 0) held.splice(at, 1);
    else if (logged.seq <= this.#answeredBefore || this.#answered.has(logged.seq)) return;
    this.#remember(logged.seq);
    this.#replaying = true;
    await this.#apply(logged);
    this.#replaying = false;
  }

  /** Commands that the recorded run had put off when its trainer was lost: put off again without a word. */
  adopt(logged: LoggedCommand): void {
    if (logged.seq <= this.#answeredBefore || this.#answered.has(logged.seq)) return;
    this.#remember(logged.seq);
    this.#hold(logged);
  }

  /** Applies the held commands whose condition has come about, but for some. */
  async fire(except: ReadonlySet<number> = new Set()): Promise<void> {
    const { held } = this.#state;
    for (const logged of held.filter((h) => !except.has(h.seq) && this.#isMet(h))) {
      const at = held.indexOf(logged);
      if (at < 0) continue; // cancelled by one before it
      held.splice(at, 1);
      await this.#apply(logged);
    }
  }

  #hold(logged: LoggedCommand): void {
    this.#state.held.push(logged);
    this.#state.held.sort((a, b) => a.seq - b.seq);
  }

  #remember(seq: number): void {
    this.#answered.add(seq);
    this.#state.lastCommandSeq = Math.max(seq, this.#state.lastCommandSeq);
  }

  #isMet({ command: { when } }: LoggedCommand): boolean {
    const { newestEvaluations: evaluations, step } = this.#state;
    return !when || isMet(when, { step, evaluations, newest: (column) => this.output.newest(column) });
  }

  async #apply(logged: LoggedCommand): Promise<void> {
    const planned = this.#plannedSteps();
    const { position, step } = this.#state;
    const facts = { settings: this.#settings, task: this.#parts.task, position, step };
    const desk: Desk = { controls: this.#controls, facts, changes: this.#changes, run: this };
    const outcome = answer(desk, logged);
    if (!outcome.ok) return this.#refuse(logged, outcome);
    const { before, after, message, effect } = outcome;
    const { seq, command } = logged;
    this.output.emit({
      type: 'command.applied',
      commandId: command.id,
      seq,
      step,
      before,
      after,
      message: message.slice(0, 500),
    });
    try {
      await effect?.();
    } catch (error) {
      // A snapshot or checkpoint that failed costs whoever asked for it an answer, not everybody the run.
      const why = `${command.id}: ${message}: ${error instanceof Error ? error.message : String(error)}`;
      this.output.emit({ type: 'alert', step, level: 'error', kind: 'command-failed', message: why.slice(0, 2000) });
    }
    if (this.#plannedSteps() === planned) return;
    this.#rollOver();
    this.#announce();
  }

  #refuse({ seq, command }: LoggedCommand, { reason, message }: Refusal): void {
    const { step } = this;
    this.output.emit({ type: 'command.refused', commandId: command.id, seq, step, reason, message: message.slice(0, 500) });
  }

  // ---- what actions do ----

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

  evaluate(split: Split, commandId: string): void {
    this.#state.pending.push({ split, occasion: 'command', commandId });
  }

  snapshot(commandId: string): Promise<void> {
    return this.#snapshot('command', commandId);
  }

  checkpoint(commandId: string): Promise<void> {
    return this.#checkpoint('command', commandId);
  }

  get shape(): ModelShape {
    return this.#parts.shape;
  }

  async ask(question: AskedOf, args: Record<string, ControlValue>, commandId: string): Promise<void> {
    const { task, learner } = this.#parts;
    const subject = { task, learner, probe: () => this.#snapshots.probe(this.#settings.probeExamples) };
    this.output.analysis(this.step, question.spec.name, commandId, await question.answer(args, subject));
  }

  cancel(commandId: string, by: Actor): boolean {
    const { held } = this.#state;
    const at = held.findIndex((h) => h.command.id === commandId);
    // The recorded run dropped it; here it was never held.
    if (at < 0) return this.#replaying;
    this.#refuse(held.splice(at, 1)[0]!, refuse('state', `cancelled by ${by.name}`));
    return true;
  }

  // ---- between two updates ----

  /** One slice of the oldest evaluation asked for, so that commands are heard in between. */
  async evaluateSlice(): Promise<void> {
    const state = this.#state;
    const job = state.pending[0]!;
    const result = await this.#evaluator.slice(job.split);
    if (!result) return;
    state.pending.shift();
    const { loss, accuracy } = result;
    state.newestEvaluations[job.split] = { loss, accuracy };
    this.output.evaluation({ step: state.step, ...job, parametersStep: state.step }, result);
    // What people ask for leaves no trace in what follows.
    if (job.split !== 'validation' || job.occasion === 'command') return;
    state.validated = { step: state.step, accuracy };
    if (accuracy > (state.best?.accuracy ?? Number.NEGATIVE_INFINITY)) {
      state.best = { step: state.step, loss, accuracy };
      state.evaluationsSinceBest = 0;
      state.checkpointDue = 'best';
      this.#best = (await this.#parts.learner.state()).params.slice();
    } else state.evaluationsSinceBest++;
  }

  #evaluateValidation(occasion: Occasion): void {
    this.#state.pending.push({ split: 'validation', occasion, commandId: null });
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
    const { optimizer, schedule, clip, model } = this.#settings.config;
    const { kind: _kind, learningRate: base, ...rest } = optimizer;
    const learningRate = learningRateAt(base, schedule, schedule.maxSteps ?? this.#plannedSteps(), this.#state.step);
    return { ...rest, learningRate, clip: { ...clip }, dropout: model.dropout, inputDropout: model.inputDropout };
  }

  async #afterUpdate(metrics: StepMetrics): Promise<void> {
    const state = this.#state;
    const { evaluateEverySteps, snapshotEverySteps, checkpointEverySteps } = this.#settings.config;
    this.#watchFinite(metrics);
    this.#rollOver();
    if (evaluateEverySteps !== null && state.step % evaluateEverySteps === 0) this.#evaluateValidation('cadence');
    if (state.step % snapshotEverySteps === 0 || state.step === state.driftSnapshotAt) await this.#snapshot('cadence', null);
    if (state.step % checkpointEverySteps === 0) state.checkpointDue ??= 'cadence';
    if (state.stepsToPause === null) return;
    state.stepsToPause--;
    if (state.stepsToPause === 0) this.pause(`paused at step ${state.step}`);
  }

  /** Begins the next epoch where no whole batch is left of this one. */
  #rollOver(): void {
    const { position } = this.#state;
    const { batchSize, evaluateEverySteps } = this.#settings.config;
    if (position.index === 0 || !epochIsOver(position, batchSize, this.#parts.task.sizes.train)) return;
    position.epoch++;
    position.index = 0;
    if (evaluateEverySteps === null) this.#evaluateValidation('epoch');
  }

  /** A number that is none stops the run once, so that people can look; going on from there is their decision. */
  #watchFinite({ loss, gradNorm, paramGradNorms }: StepMetrics): void {
    const state = this.#state;
    const finite = Number.isFinite(loss) && Number.isFinite(gradNorm);
    if (!finite && !state.notFinite) {
      const step = state.step - 1;
      const first = paramGradNorms.findIndex((norm) => !Number.isFinite(norm));
      const what = [
        ...(Number.isFinite(loss) ? [] : [`loss is ${loss}`]),
        ...(Number.isFinite(gradNorm) ? [] : [`gradient norm is ${gradNorm}`]),
        ...(first < 0 ? [] : [`first in ${this.#parts.learner.params[first]!.name}`]),
      ];
      const message = `${what.join(', ')} at step ${step}`;
      this.output.emit({ type: 'alert', step, level: 'error', kind: 'not-finite', message });
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

  async #snapshot(occasion: Occasion, commandId: string | null): Promise<void> {
    const { probeExamples, snapshotDrift, config } = this.#settings;
    const drift = await this.#snapshots.take(this.step, probeExamples, occasion, commandId);
    const soon = snapshotDrift !== null && drift > snapshotDrift;
    this.#state.driftSnapshotAt = soon ? this.step + Math.ceil(config.snapshotEverySteps / 4) : null;
  }

  async #checkpoint(occasion: Occasion, commandId: string | null): Promise<void> {
    const state = this.#state;
    // One that people asked for does not replace the one that is due.
    if (commandId === null) state.checkpointDue = null;
    const { runId, config, learner } = this.#parts;
    const learnerState = await learner.state();
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
      previous: this.#snapshots.previous,
    });
    const { step, lastCommandSeq, validated } = state;
    const validationAccuracy = validated?.step === step ? validated.accuracy : null;
    this.output.emit(
      { type: 'checkpoint', step, blob: blobRefOf(blob), occasion, commandId, lastCommandSeq, validationAccuracy },
      blob,
    );
  }
}
