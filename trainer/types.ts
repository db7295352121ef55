/** What the parts of the trainer agree on: a task gives batches, a learner updates parameters, the loop yields what happened. */
import type { LoggedCommand } from '~/shared/commands';
import type { TrainerEvent } from '~/shared/events';
import type { AnswerKind, AxisLabels } from '~/shared/snapshotFile';
import type { RunConfig } from '~/trainer/base/config';
import type { Split } from '~/trainer/base/splits';
import type { ProbeSignal } from './nn/signals';

/** Everything that decides the network's parameters and their shapes. */
export interface ModelShape {
  /** `onehot` and `learned` take ids 0 .. inputDim-1; `features` takes vectors of inputDim numbers. */
  input: 'onehot' | 'learned' | 'features';
  inputDim: number;
  /** Positions of an example: T. */
  seqLen: number;
  /** Sinusoidal positions are added; without them the model is permutation-equivariant. */
  positional: boolean;
  /** Position t attends to positions 0 .. t only; left out: to all. */
  causal?: boolean;
  /** `position`: outputDim logits and one label per position. `set`: one logit per item, softmax over the set, one label per example. */
  output: 'position' | 'set';
  outputDim: number;
  modelDim: number;
  layers: number;
  heads: number;
}

/** What of the shape the task fixes; the rest is the config's `model`. */
export type TaskShape = Omit<ModelShape, 'modelDim' | 'layers' | 'heads'>;

/** One parameter under PyTorch's state-dict name, in PyTorch's layout; `offset` is its place in the flat vector. */
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

/** What one update is done with: read anew at every step, so that all of it can be steered. */
export interface Hyper {
  /** After the schedule. */
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
  /** Parts that the batch is computed in, one after the other, so that memory holds one part's activations only. Left out: 1. */
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

/** All that an update depends on besides its batch and hyper. Flat f32 vectors, laid out by `Learner.params`. */
export interface LearnerState {
  params: Float32Array;
  /** Adam's first and second moments, or SGD's momentum buffer (in `m`, `v` null); null before the first update needs them. */
  m: Float32Array | null;
  v: Float32Array | null;
  /** Updates done with this state's moments: Adam's t is updates + 1 in the next one. */
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
  /** Mean over all examples, evaluation mode; leaves no trace in the following steps. */
  evaluate(batches: Iterable<Batch>): Promise<Evaluated>;
  attend(batch: Batch, off?: readonly HeadOff[]): Promise<Attended>;
  state(): Promise<LearnerState>;
  /** @throws RangeError when a vector's length does not fit `params`. */
  load(state: LearnerState): void;
  dispose(): void;
}

/** Examples by position: pure functions of the config's seed, so that a place in the data is (epoch, index) and nothing more. */
export interface Task {
  readonly shape: TaskShape;
  readonly sizes: Record<Split, number>;
  /** What the examples are, in words that stand wherever they show: "built-in demo pictures", a file's name. null: numbers that need no word. */
  readonly data: string | null;
  /** Names the data that the examples are made of, where the config alone does not: the same in a run and in the checkpoint it goes on from. */
  readonly fingerprint?: string;
  /** Further numbers of every step and evaluation. */
  readonly derived?: readonly Derived[];
  /** The metric, on the validation set, that early stopping and the best parameters go by: `loss`, `accuracy` or one of `derived`. Left out: accuracy. */
  readonly mainMetric?: string;
  /** What the network writes by itself after every so many steps, and at the end. */
  readonly sampling?: Sampling & { everySteps: number };
  /** How examples are written for the control `probeExamples`, for people. */
  readonly probeHelp: string;
  /** Loss (nats) of the best answer that does not look at the input; left out: not known. Rules and charts measure by it. */
  readonly chanceLoss?: number;
  /** Examples index .. index+size-1 of that epoch's own order. */
  trainBatch(epoch: number, index: number, size: number): Batch;
  /** The whole split in its fixed order; the last batch may be smaller. */
  evaluationBatches(split: Split, size: number): Iterable<Batch>;
  /** Examples whose attention snapshots record: the first `size` of the validation set unless `chosen` (the task's own notation) says otherwise. */
  probe(size: number, chosen: string | null): Probe;
  /** Examples of `evaluationBatches(split)` in the notation that `probe` reads. */
  notation(split: Split, examples: readonly Example[]): string;
}

/** Texts that the network writes by itself. */
export interface Sampling {
  /** @param attend one forward pass each @param step decides, with the seed, what is drawn */
  write(attend: (batch: Batch) => Promise<Attended>, step: number): Promise<{ name: string; text: string; caption?: string }[]>;
}

/** A number of a step or an evaluation that follows from its loss. */
export interface Derived {
  name: string;
  unit: string;
  group: string;
  better: 'lower' | 'higher';
  of(metrics: { loss: number }): number;
}

/** One example of a batch. */
export interface Example {
  /** Its number in the split, from 0. */
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

/** What people see of a probe, and what is measured on its maps: a snapshot carries all of it, so that whoever shows one needs to know nothing of the recipe. */
export interface ProbeDescription {
  /** One per example of the batch: its name ("test 3"), and what stands at its T positions. Pictures by their index in `pictures`, tokens by id. */
  examples: readonly { name?: string; labels: AxisLabels }[];
  /** What labels of the batch and classes of the output are. Left out: places of the set (output `set`), numbers (output `position`). */
  answers?: AnswerKind;
  /** Examples are asked for by a split and their numbers in it: "test 3 14 15". */
  numbered?: true;
  /** Text of a token id; asked only for ids that occur. Needed where labels or answers are tokens. */
  tokenText?: (id: number) => string;
  /** What a position is called ("image"), and what is looked for among them ("odd one"). */
  words?: { item?: string; target?: string };
  /** What the pictures are, and the name of each. */
  pictures?: { title?: string; names?: readonly string[] };
  /** The recipe's own signals; entropy, confidence and drift are always there (nn/signals.ts). */
  signals: readonly ProbeSignal[];
  /** How many of the likeliest answers are kept per position; left out: 1. */
  best?: number;
}

/** One thing that happened; blobs that the event names must be stored before the event is. */
export interface TrainOutput {
  event: TrainerEvent;
  blob: Uint8Array | null;
  /** What a snapshot's `pictures` names, with the first snapshot that names it. */
  pictures?: Uint8Array;
}

/** Where the loop finds its commands, in log order. */
export interface CommandSource {
  /** What has arrived since the last call. */
  take(): LoggedCommand[];
  /** Resolves once `take` would give something: what a paused run waits for. Rejects when the source is closed. */
  wait(): Promise<void>;
}
