/** Interfaces between the parts of the trainer: a task gives batches, a learner updates parameters, the loop yields events. */
import type { LoggedCommand } from '~/shared/commands';
import type { TrainerEvent } from '~/shared/events';
import type { AnswerKind, AxisLabels } from '~/shared/snapshotFile';
import type { RunConfig } from '~/trainer/base/config';
import type { Split } from '~/trainer/base/splits';
import type { ProbeSignal } from './nn/signals';

/** All values that determine the network's parameters and their shapes. */
export interface ModelShape {
  /** `onehot` and `learned` take ids 0 .. inputDim-1; `features` takes vectors of inputDim numbers. */
  input: 'onehot' | 'learned' | 'features';
  inputDim: number;
  /** Positions of an example: T. */
  seqLen: number;
  /** Sinusoidal positions are added; without them the model is permutation-equivariant. */
  positional: boolean;
  /** If true, position t attends only to positions 0 .. t; default: to all. */
  causal?: boolean;
  /** `position`: outputDim logits and one label per position. `set`: one logit per item, softmax over the set, one label per example. */
  output: 'position' | 'set';
  outputDim: number;
  modelDim: number;
  layers: number;
  heads: number;
}

/** The part of the shape that the task fixes; the rest is the config's `model`. */
export type TaskShape = Omit<ModelShape, 'modelDim' | 'layers' | 'heads'>;

/** One parameter under PyTorch's state-dict name, in PyTorch's layout; `offset` is its position in the flat vector. */
export interface ParamSpec {
  name: string;
  shape: number[];
  offset: number;
  size: number;
}

export interface Batch {
  size: number;
  /** ids [size, T] or features [size, T, inputDim], row-major. */
  inputs: Int32Array | Float32Array;
  /** [size, T] (output `position`) or [size] (output `set`). */
  labels: Int32Array;
}

/** Settings of one update, read again at every step, so that people can change all of them. */
export interface Hyper {
  /** The rate after the schedule. */
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  /** SGD only. */
  momentum: number;
  clip: RunConfig['clip'];
  dropout: number;
  inputDropout: number;
  /** Number of parts of the batch, computed one after the other, so that memory holds the activations of one part only. Default: 1. */
  accumulation?: number;
}

export interface StepMetrics {
  loss: number;
  /** Share of right argmaxes: over positions (`position`) or examples (`set`). */
  accuracy: number;
  /** Global L2 norm before clipping. */
  gradNorm: number;
  clipped: boolean;
  /** L2 norm per parameter before clipping, aligned with `Learner.params`. */
  paramGradNorms: Float32Array;
}

/** All state that an update depends on besides its batch and hyper. Flat f32 vectors, laid out by `Learner.params`. */
export interface LearnerState {
  params: Float32Array;
  /** Adam's first and second moments, or SGD's momentum buffer (in `m`, `v` null); null before the first update needs them. */
  m: Float32Array | null;
  v: Float32Array | null;
  /** Updates contained in the moments: Adam's t in the next update is updates + 1. */
  updates: number;
}

/** A head whose output is replaced by zeros, or by its mean over batch and positions. Counted from 0. */
export interface HeadOff {
  layer: number;
  head: number;
  how: 'zero' | 'mean';
}

/** A forward pass in evaluation mode with its maps. E = batch size. */
export interface Attended {
  /** [E, layers, heads, T, T], exact f32, rows sum to 1. */
  maps: Float32Array;
  /** [E, T, outputDim] or [E, T]. */
  logits: Float32Array;
  /** Mean over the batch. */
  loss: number;
  accuracy: number;
}

export interface Evaluated {
  loss: number;
  accuracy: number;
  examples: number;
}

/** The network, its gradients and its optimizer on one backend. Knows no run, task, file or person. */
export interface Learner {
  readonly shape: ModelShape;
  readonly params: readonly ParamSpec[];
  /** One update. Dropout draws from (the learner's seed, `step`), so that the same step gives the same numbers again. */
  step(batch: Batch, hyper: Hyper, step: number): Promise<StepMetrics>;
  /** Means over all examples in evaluation mode; does not change later steps. */
  evaluate(batches: Iterable<Batch>): Promise<Evaluated>;
  attend(batch: Batch, off?: readonly HeadOff[]): Promise<Attended>;
  state(): Promise<LearnerState>;
  /** @throws RangeError when a vector's length does not fit `params`. */
  load(state: LearnerState): void;
  dispose(): void;
}

/** Examples by position: pure functions of the config's seed, so that a position in the data is only (epoch, index). */
export interface Task {
  readonly shape: TaskShape;
  readonly sizes: Record<Split, number>;
  /** Name of the data, shown wherever examples are shown: "built-in demo pictures", a file's name. null: no name needed. */
  readonly data: string | null;
  /** Identifies the data of the examples where the config alone does not; must be equal in a run and in the checkpoint that it continues from. */
  readonly fingerprint?: string;
  /** Further numbers of every step and evaluation. */
  readonly derived?: readonly Derived[];
  /** The metric, on the validation set, that decides early stopping and the best parameters: `loss`, `accuracy` or one of `derived`. Default: accuracy. */
  readonly mainMetric?: string;
  /** Texts that the network generates every `everySteps` steps, and at the end. */
  readonly sampling?: Sampling & { everySteps: number };
  /** Explains to people how to write examples for the control `probeExamples`. */
  readonly probeHelp: string;
  /** Loss (nats) of the best answer that ignores the input; left out: unknown. Rules and charts use it as a reference. */
  readonly chanceLoss?: number;
  /** Examples index .. index+size-1 of that epoch's own order. */
  trainBatch(epoch: number, index: number, size: number): Batch;
  /** The whole split in its fixed order; the last batch may be smaller. */
  evaluationBatches(split: Split, size: number): Iterable<Batch>;
  /** The examples whose attention snapshots record: those in `chosen` (the task's own notation), else the first `size` of the validation set. */
  probe(size: number, chosen: string | null): Probe;
  /** Examples of `evaluationBatches(split)` in the notation that `probe` reads. */
  notation(split: Split, examples: readonly Example[]): string;
}

/** Texts that the network generates. */
export interface Sampling {
  /** @param attend runs one forward pass @param step with the seed, determines the random numbers */
  write(attend: (batch: Batch) => Promise<Attended>, step: number): Promise<{ name: string; text: string; caption?: string }[]>;
}

/** A number of a step or an evaluation, computed from its loss. */
export interface Derived {
  name: string;
  unit: string;
  group: string;
  better: 'lower' | 'higher';
  of(metrics: { loss: number }): number;
}

/** One example of a batch. */
export interface Example {
  /** Number of the example in the split, from 0. */
  number: number;
  /** Ids [T], or features [T, inputDim]. */
  inputs: Int32Array | Float32Array;
  /** [T] (output `position`) or [1] (output `set`). */
  labels: Int32Array;
}

export interface Probe {
  batch: Batch;
  /** RGB, [n, side, side, 3]. */
  pictures?: { data: Uint8Array; side: number };
  describe: ProbeDescription;
}

/** How to show a probe, and the signals measured on its maps: a snapshot contains all of it, so that pages can show it without knowing the recipe. */
export interface ProbeDescription {
  /** One per example of the batch: its name ("test 3"), and the labels of its T positions. Pictures by their index in `pictures`, tokens by id. */
  examples: readonly { name?: string; labels: AxisLabels }[];
  /** Meaning of the batch's labels and the output's classes. Default: positions of the set (output `set`), numbers (output `position`). */
  answers?: AnswerKind;
  /** People choose examples by a split and their numbers in it: "test 3 14 15". */
  numbered?: true;
  /** Text of a token id; called only for ids that occur. Needed where labels or answers are tokens. */
  tokenText?: (id: number) => string;
  /** Words for a position ("image"), and for the position to be found ("odd one"). */
  words?: { item?: string; target?: string };
  /** Title of the pictures, and the name of each. */
  pictures?: { title?: string; names?: readonly string[] };
  /** The recipe's own signals; entropy, confidence and drift are always there (nn/signals.ts). */
  signals: readonly ProbeSignal[];
  /** Number of likeliest answers kept per position; default: 1. */
  best?: number;
}

/** One event of a run; blobs that the event names must be stored before the event. */
export interface TrainOutput {
  event: TrainerEvent;
  blob: Uint8Array | null;
  /** The blob that a snapshot's `pictures` names; comes with the first snapshot that names it. */
  pictures?: Uint8Array;
}

/** Source of the loop's commands, in log order. */
export interface CommandSource {
  /** Commands that have arrived since the last call. */
  take(): LoggedCommand[];
  /** Resolves once `take` would return a command; a paused run waits for this. Rejects when the source is closed. */
  wait(): Promise<void>;
}
