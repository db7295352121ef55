/** Drives `train` in tests: a learner of simple arithmetic, commands that arrive at chosen steps, and a recording of all events. */

import type { Command, Condition, LoggedCommand } from '~/shared/commands';
import type { ControlValue } from '~/shared/controls';
import { type TrainerEvent, trainerEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { firstStepOf, rowCount } from '~/shared/rows';
import type { Rows } from '~/shared/series';
import type { OpenedBackend } from '~/trainer/backends';
import { eagerStep } from '~/trainer/backends/eagerStep';
import type { RunConfig } from '~/trainer/base/config';
import type { LearnerOptions } from '~/trainer/nn/learner';
import type { Replay } from '~/trainer/run/inbox';
import { type TrainOptions, train } from '~/trainer/run/train';
import type {
  Attended,
  Batch,
  CommandSource,
  Evaluated,
  Hyper,
  Learner,
  LearnerState,
  ModelShape,
  ParamSpec,
  StepMetrics,
} from '~/trainer/types';
import { publishedConfig, recipeNamed } from './setups';

export const ada: Actor = { id: 'ada', name: 'Ada', role: 'operator' };
export const bob: Actor = { id: 'bob', name: 'Bob', role: 'operator' };

/** 40 examples in batches of 8: 5 steps an epoch, 3 epochs, easy to follow by hand. */
export function smallConfig(change: (c: RunConfig) => void = () => {}): RunConfig {
  const config = publishedConfig('reverse');
  Object.assign(config.task, { seqLen: 4, numClasses: 5, trainSize: 40, validationSize: 12, testSize: 20 });
  Object.assign(config, { batchSize: 8, epochs: 3, snapshotEverySteps: 4, checkpointEverySteps: 1000, probeSize: 2 });
  config.model.modelDim = 8;
  config.schedule.warmupSteps = 2;
  change(config);
  return config;
}

export const fakeBackend: OpenedBackend = {
  name: 'cpu',
  device: 'arithmetic',
  version: '0',
  threads: null,
  tried: [],
  compileStep: eagerStep,
};

const fakeParams: ParamSpec[] = [
  { name: 'a.weight', shape: [2, 3], offset: 0, size: 6 },
  { name: 'b.bias', shape: [4], offset: 6, size: 4 },
];

export interface FakeHooks {
  metrics?: (step: number, metrics: StepMetrics) => StepMetrics;
  /** Accuracy of an evaluation, as a function of the parameters' step. */
  accuracy?: (parametersStep: number) => number;
  /** Loss of an evaluation. */
  loss?: (parametersStep: number) => number;
  /** Called before each batch of an evaluation. */
  onEvaluate?: () => void;
  /** Called before the maps of each snapshot. */
  onAttend?: () => void;
}

/** Ten parameters, momentum, and every result depends on all relevant inputs: parameters, moments, batch, hyper, step. */
export class FakeLearner implements Learner {
  readonly params = fakeParams;
  readonly calls: { step: number; hyper: Hyper; batch: Batch }[] = [];
  disposed = false;
  /** The last element holds a marker that shows whether other parameters were loaded. */
  #params = Float32Array.from({ length: 10 }, (_, i) => (i === 9 ? 0 : Math.sin(i + 1)));
  #m = new Float32Array(10);
  #updates = 0;

  constructor(
    readonly shape: ModelShape,
    readonly hooks: FakeHooks = {},
  ) {}

  async step(batch: Batch, hyper: Hyper, step: number): Promise<StepMetrics> {
    this.calls.push({ step, hyper: structuredClone(hyper), batch });
    let sum = 0;
    for (let i = 0; i < batch.inputs.length; i++) sum += (batch.inputs[i]! * Math.sin(i + 1)) / batch.size;
    const g = Float32Array.from({ length: 9 }, (_, i) => Math.cos(this.#params[i]! * 3 + sum + step / 7));
    const gradNorm = Math.hypot(...g);
    const clipped = hyper.clip.mode === 'norm' && gradNorm > hyper.clip.threshold;
    for (let i = 0; i < 9; i++) {
      this.#m[i] = hyper.beta1 * this.#m[i]! + (1 - hyper.beta1) * g[i]! * (clipped ? hyper.clip.threshold / gradNorm : 1);
      this.#params[i] = this.#params[i]! * (1 - hyper.weightDecay) - hyper.learningRate * this.#m[i]! * (1 - hyper.dropout);
    }
    this.#params[9] = step + 1;
    this.#updates++;
    const norms = Float32Array.of(Math.hypot(...g.subarray(0, 6)), Math.hypot(...g.subarray(6)));
    const metrics = { loss: Math.abs(sum) + Math.hypot(...this.#params.subarray(0, 9)), accuracy: 0.5, gradNorm, clipped };
    return this.hooks.metrics?.(step, { ...metrics, paramGradNorms: norms }) ?? { ...metrics, paramGradNorms: norms };
  }

  async evaluate(batches: Iterable<Batch>): Promise<Evaluated> {
    let examples = 0;
    for (const batch of batches) examples += batch.size;
    this.hooks.onEvaluate?.();
    const accuracy = this.hooks.accuracy?.(this.#params[9]!) ?? 0.25;
    const loss = this.hooks.loss?.(this.#params[9]!) ?? Math.hypot(...this.#params.subarray(0, 9));
    return { loss, accuracy, examples };
  }

  async attend({ size }: Batch): Promise<Attended> {
    this.hooks.onAttend?.();
    const { layers, heads, seqLen: T, outputDim } = this.shape;
    const maps = new Float32Array(size * layers * heads * T * T);
    for (let row = 0; row < maps.length; row += T) {
      const e = Array.from({ length: T }, (_, j) => Math.exp(Math.sin(row + j + this.#params[j % 9]!)));
      const sum = e.reduce((a, b) => a + b);
      for (let j = 0; j < T; j++) maps[row + j] = e[j]! / sum;
    }
    const logits = Float32Array.from({ length: size * T * outputDim }, (_, i) => Math.sin(i + this.#params[i % 9]!));
    return { maps, logits, loss: 1, accuracy: 0.5 };
  }

  async state(): Promise<LearnerState> {
    return { params: this.#params.slice(), m: this.#updates === 0 ? null : this.#m.slice(), v: null, updates: this.#updates };
  }

  load({ params, m, updates }: LearnerState): void {
    if (params.length !== 10) throw new RangeError(`10 parameters are needed, got ${params.length}`);
    this.#params = params.slice();
    this.#m = m?.slice() ?? new Float32Array(10);
    this.#updates = updates;
  }

  dispose(): void {
    this.disposed = true;
  }
}

export type Draft =
  | { control: string; value: ControlValue; expected?: ControlValue; when?: Condition; by?: Actor }
  | { action: string; args?: Record<string, ControlValue>; when?: Condition; by?: Actor };

export function logged(seq: number, { by = ada, ...draft }: Draft): LoggedCommand {
  const id = `command-${seq}`;
  const command: Command =
    'control' in draft
      ? { kind: 'set', id, runId: 'run000', ...draft }
      : { kind: 'act', id, runId: 'run000', ...draft, args: draft.args ?? {} };
  return { seq, actor: by, command };
}

/** Commands that arrive after a given number of updates; the source is closed when the run waits and no command is left. */
export class Script implements CommandSource {
  readonly #left: { at: number; logged: LoggedCommand }[];
  stepsDone = 0;

  constructor(entries: (readonly [at: number, draft: Draft])[], firstSeq = 1) {
    this.#left = entries.map(([at, draft], i) => ({ at, logged: logged(firstSeq + i, draft) }));
  }

  static of(entries: { at: number; logged: LoggedCommand }[]): Script {
    const script = new Script([]);
    script.#left.push(...entries);
    return script;
  }

  /** @param atMost most commands per call, for tests of the time between two calls */
  take(atMost = Number.POSITIVE_INFINITY): LoggedCommand[] {
    const due = this.#left.filter((entry, i) => entry.at <= this.stepsDone && i < atMost).length;
    return this.#left.splice(0, due).map((entry) => entry.logged);
  }

  async wait(): Promise<void> {
    if (!this.#left[0] || this.#left[0].at > this.stepsDone) throw new Error('closed');
  }
}

export interface Recording {
  events: TrainerEvent[];
  blobs: Map<string, Uint8Array>;
  columns: string[];
  /** Rows by step. */
  rows: Float64Array[];
  learner: Learner;
}

type Overrides = Partial<Omit<TrainOptions, 'commands'>> & {
  script?: Script;
  hooks?: FakeHooks;
  /** Ends the run from outside when this returns true. */
  until?: (event: TrainerEvent) => boolean;
};

/** Runs `train` to its end. Every event is checked against the protocol's schema. */
export async function record({ script = new Script([]), hooks, until, ...overrides }: Overrides = {}): Promise<Recording> {
  let learner!: Learner;
  script.stepsDone = overrides.resume?.step ?? 0;
  const create = overrides.createLearner ?? (({ shape }: LearnerOptions) => new FakeLearner(shape, hooks));
  const recording: Recording = { events: [], blobs: new Map(), columns: [], rows: [], learner };
  const running = train({
    recipe: recipeNamed('reverse'),
    config: smallConfig(),
    backend: fakeBackend,
    resume: null,
    startFrom: null,
    dataFolder: 'unused',
    ...overrides,
    commands: script,
    createLearner: (options) => {
      learner = create(options);
      const step = learner.step.bind(learner);
      learner.step = async (batch, hyper, at) => {
        const metrics = await step(batch, hyper, at);
        script.stepsDone = at + 1;
        return metrics;
      };
      return learner;
    },
  });
  for await (const { event, blob, pictures } of running) {
    const parsed = trainerEvent.safeParse(event);
    if (!parsed.success) throw new Error(`${event.type}: ${parsed.error.message}`);
    recording.events.push(event);
    if (blob && 'blob' in event && event.blob) recording.blobs.set(event.blob.hash, blob);
    if (pictures && event.type === 'snapshot' && event.pictures) recording.blobs.set(event.pictures.hash, pictures);
    if (event.type === 'started' && event.streams) recording.columns = event.streams[0]!.columns.map((s) => s.name);
    if (event.type === 'rows') addRows(recording, event);
    if (until?.(event)) break;
  }
  return { ...recording, learner };
}

function addRows({ rows, columns }: Recording, event: Rows): void {
  const firstStep = firstStepOf(event);
  if (rows.length > 0 && firstStep !== rows.length) throw new Error(`rows begin at step ${firstStep}, expected ${rows.length}`);
  const width = columns.length;
  const count = rowCount(event);
  if (event.values.length !== count * width)
    throw new Error(`${count} rows of ${width} columns have ${event.values.length} values`);
  for (let r = 0; r < count; r++) rows[firstStep + r] = event.values.slice(r * width, (r + 1) * width);
}

/** Columns that differ from one execution to the next; all others are functions of config, seed and commands. */
const measuredColumns: ReadonlySet<string> = new Set(['stepMs', 'stepsPerSecond', 'examplesPerSecond']);

/** The rows from a step on, without measured durations. */
export function numbers({ rows, columns }: Recording, from = 0, to = rows.length): number[][] {
  const kept = columns.flatMap((name, i) => (measuredColumns.has(name) ? [] : [i]));
  return rows.slice(from, to).map((row) => kept.map((i) => row[i]!));
}

/** The events of the run, without rows and without measured durations. */
export function story({ events }: Recording): TrainerEvent[] {
  return events.filter((e) => e.type !== 'rows').map((e) => (e.type === 'evaluation' ? { ...e, elapsedMs: 0 } : e));
}

export const ofType = <T extends TrainerEvent['type']>({ events }: Recording, type: T) =>
  events.filter((e): e is Extract<TrainerEvent, { type: T }> => e.type === type);

export const column = ({ rows, columns }: Recording, name: string): number[] => rows.map((row) => row[columns.indexOf(name)]!);

/** The commands that a server sends with an assignment: those that took effect after a checkpoint, in that order. */
export function replayOf(recording: Recording, script: LoggedCommand[], afterSeq: number): Replay {
  return ofType(recording, 'command.applied')
    .filter((applied) => applied.seq > afterSeq)
    .map((applied) => ({ logged: script.find((l) => l.seq === applied.seq)!, step: applied.step }));
}

/** The checkpoint of a step, in the form of the option `resume`. */
export function resumeFrom(recording: Recording, step: number, replay: Replay = []) {
  const event = ofType(recording, 'checkpoint').findLast((c) => c.step === step);
  if (!event) throw new Error(`no checkpoint of step ${step}; there are ${ofType(recording, 'checkpoint').map((c) => c.step)}`);
  return { checkpoint: recording.blobs.get(event.blob.hash)!, step, replay };
}
