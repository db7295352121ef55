import {
  abs,
  concat,
  max,
  reshape,
  slice,
  sqrt,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
} from '@tensorflow/tfjs-core';
import type {
  Attended,
  Batch,
  Evaluated,
  HeadOff,
  Hyper,
  Learner,
  LearnerState,
  ModelShape,
  ParamSpec,
  StepMetrics,
} from '~/trainer/types';
import { batchTensors, partsOf, sliceBatch } from './batch';
import type { CompiledStep, CompileStep } from './compileStep';
import { fused } from './fused';
import { checkHeadsOff, editContext, HeadEdit } from './headEdit';
import { backward, Dropout, type Forward, type ForwardOptions, forward, type Named } from './model';
import { crossEntropy } from './ops';
import {
  accumulate,
  flatten,
  type OptimizerKind,
  type OptimizerState,
  squaredNorms,
  type UpdatePlan,
  unflatten,
  update,
  updatePlan,
  updateScalars,
} from './optimizer';
import { initialParams, paramCount, paramSpecs } from './params';
import { RandomStream } from './random';

export interface LearnerOptions {
  shape: ModelShape;
  /** u32: determines the initial parameters and, with the step number, every dropout. */
  seed: number;
  optimizer: OptimizerKind;
  /** Open, and tfjs' current backend as long as the learner is used. */
  backend: { compileStep: CompileStep };
  /** Whether steps measure every parameter's gradient norm; if false, `paramGradNorms` is empty. Default true. */
  paramGradNorms?: boolean;
}

/** Most examples in one forward pass of `attend`, and most numbers in their maps, which are the largest data in memory. */
const attendChunk = 64;
const mostMapCells = 2 ** 24;

/** A network with random parameters, ready for its first update. @throws RangeError when the shape describes no model */
export function createLearner({ shape, seed, optimizer, backend, paramGradNorms = true }: LearnerOptions): Learner {
  return new TensorLearner(shape, seed, optimizer, backend.compileStep, paramGradNorms);
}

class TensorLearner implements Learner {
  readonly params: readonly ParamSpec[];
  readonly #count: number;
  readonly #dropoutSeeds: RandomStream;
  readonly #compiled = new Map<string, CompiledStep>();
  #state: OptimizerState;
  #updates = 0;

  constructor(
    readonly shape: ModelShape,
    seed: number,
    readonly optimizer: OptimizerKind,
    readonly compileStep: CompileStep,
    readonly paramGradNorms: boolean,
  ) {
    this.params = paramSpecs(shape);
    this.#count = paramCount(this.params);
    this.#dropoutSeeds = new RandomStream(seed, 'dropout');
    this.#state = this.#tensors({ params: initialParams(shape, seed), m: null, v: null, updates: 0 });
  }

  async step(batch: Batch, hyper: Hyper, step: number): Promise<StepMetrics> {
    const plan = updatePlan(this.optimizer, hyper);
    const dropped = { inside: hyper.dropout > 0, input: hyper.inputDropout > 0 };
    const scalars = tensor1d(updateScalars(this.optimizer, hyper, this.#updates + 1), 'float32');
    const parts = partsOf(batch, this.shape, hyper.accumulation ?? 1);
    const { params, m, v } = this.#state;
    let outputs: Tensor[];
    if (parts.length === 1) {
      const compiled = this.#compile(`step ${JSON.stringify([plan, dropped])}`, ([params, m, v, scalars, ...data]) => {
        const { flat, means } = this.#gradients(params!, data, dropped);
        return this.#update([params, m, v, scalars, flat, means] as Tensor1D[], plan);
      });
      const data = this.#stepTensors(batch, hyper, step, 0);
      outputs = compiled.run([params, m, v, scalars, ...data]);
      for (const used of data) used.dispose();
    } else {
      const sum = this.#sumOverParts(parts, batch.size, hyper, step, dropped);
      const compiled = this.#compile(`update ${JSON.stringify(plan)}`, (inputs) => this.#update(inputs as Tensor1D[], plan));
      outputs = compiled.run([params, m, v, scalars, ...sum]);
      for (const used of sum) used.dispose();
    }
    const [newParams, newM, newV, metrics] = outputs as [Tensor1D, Tensor1D, Tensor1D, Tensor1D];
    this.#state = { params: newParams, m: newM, v: newV };
    this.#updates++;
    for (const old of [params, m, v, scalars]) old.dispose();
    const [loss, accuracy, gradNorm, largest, ...paramGradNorms] = await metrics.data<'float32'>();
    metrics.dispose();
    const clipped = hyper.clip.mode !== 'off' && largest! > hyper.clip.threshold;
    return { loss: loss!, accuracy: accuracy!, gradNorm: gradNorm!, clipped, paramGradNorms: Float32Array.from(paramGradNorms) };
  }

  /** Inputs of one part of a step besides the parameters: dropout rates, dropout seed, inputs, labels. */
  #stepTensors(part: Batch, hyper: Hyper, step: number, at: number): Tensor[] {
    const { x, labels } = batchTensors(part, this.shape);
    // Every part of a batch has its own dropout.
    const seed = Int32Array.of(this.#dropoutSeeds.bits(2 * step) + at * 0x9e3779b9, this.#dropoutSeeds.bits(2 * step + 1));
    return [tensor1d([hyper.dropout, hyper.inputDropout], 'float32'), tensor1d(seed, 'int32'), x, labels];
  }

  /** @param data [rates, seed, x, labels] @returns all gradients side by side [P], and loss and accuracy [2] */
  #gradients(params: Tensor, [rates, seed, x, labels]: Tensor[], dropped: { inside: boolean; input: boolean }) {
    const rate = (at: number) => reshape(slice(rates!, at, 1), []);
    const named = unflatten(params as Tensor1D, this.params);
    const dropout = new Dropout(seed as Tensor1D, dropped.inside ? rate(0) : null, dropped.input ? rate(1) : null);
    const { means, grads } = lossAndGradients(named, this.shape, x!, labels!, { dropout });
    return { flat: flatten(grads, this.params), means };
  }

  /** Gradients and means of a batch, computed part by part: a part of n examples counts n / size. */
  #sumOverParts(parts: Batch[], size: number, hyper: Hyper, step: number, dropped: { inside: boolean; input: boolean }) {
    const compiled = this.#compile(`part ${JSON.stringify(dropped)}`, ([params, weight, flat, means, ...data]) => {
      const part = this.#gradients(params!, data, dropped);
      return [accumulate(flat as Tensor1D, part.flat, weight!), accumulate(means as Tensor1D, part.means, weight!)];
    });
    let sums: Tensor[] = [tensor1d(new Float32Array(this.#count)), tensor1d(new Float32Array(2))];
    for (const [at, part] of parts.entries()) {
      const inputs = [tensor1d([part.size / size], 'float32'), ...sums, ...this.#stepTensors(part, hyper, step, at)];
      sums = compiled.run([this.#state.params, ...inputs]);
      for (const used of inputs) used.dispose();
    }
    return sums;
  }

  /** [params, m, v, scalars, gradients, means] -> [params, m, v, metrics] */
  #update([params, m, v, scalars, flat, means]: Tensor1D[], plan: UpdatePlan): Tensor[] {
    const squares = this.paramGradNorms
      ? squaredNorms(flat!, this.params)
      : squaredNorms(flat!, [{ offset: 0, size: this.#count }]);
    const metrics = stepMetrics(means!, squares, flat!, plan, this.paramGradNorms);
    const norm = reshape(slice(metrics, 2, 1), []);
    const next = update({ params: params!, m: m!, v: v! }, flat!, norm, scalars!, plan);
    return [next.params, next.m, next.v, metrics];
  }

  async evaluate(batches: Iterable<Batch>): Promise<Evaluated> {
    const compiled = this.#compile('evaluate', ([params, x, labels]) => {
      return [lossOf(this.#forward(params!, x!).logits, labels!, this.shape).means];
    });
    const total = { loss: 0, accuracy: 0, examples: 0 };
    for (const batch of batches) {
      const { x, labels } = batchTensors(batch, this.shape);
      const [metrics] = compiled.run([this.#state.params, x, labels]);
      const [loss, accuracy] = await metrics!.data<'float32'>();
      for (const used of [x, labels, metrics!]) used.dispose();
      total.loss += loss! * batch.size;
      total.accuracy += accuracy! * batch.size;
      total.examples += batch.size;
    }
    if (total.examples === 0) throw new RangeError('evaluate: there are no examples');
    return { loss: total.loss / total.examples, accuracy: total.accuracy / total.examples, examples: total.examples };
  }

  async attend(batch: Batch, off: readonly HeadOff[] = []): Promise<Attended> {
    const { layers, heads, seqLen, outputDim } = this.shape;
    checkHeadsOff(off, this.shape);
    const perExample = layers * heads * seqLen * seqLen;
    const logitsPerExample = seqLen * outputDim;
    const result = {
      maps: new Float32Array(batch.size * perExample),
      logits: new Float32Array(batch.size * logitsPerExample),
      loss: 0,
      accuracy: 0,
    };
    const edit = off.length > 0 && new HeadEdit(this.shape, off);
    // A mean over the batch needs the whole batch at once.
    const fitting = Math.max(1, Math.min(attendChunk, Math.floor(mostMapCells / perExample)));
    const chunk = off.some(({ how }) => how === 'mean') ? batch.size : fitting;
    for (let start = 0; start < batch.size; start += chunk) {
      const part = sliceBatch(batch, this.shape, start, Math.min(start + chunk, batch.size));
      const { x, labels } = batchTensors(part, this.shape);
      const compiled = this.#compile(edit ? 'attend edited' : 'attend', ([params, x, labels, keep, toMean]) => {
        const editHeads =
          keep && ((context: Tensor2D, layer: number) => editContext(context, layer, keep as Tensor2D, toMean as Tensor2D));
        const { logits, maps } = this.#forward(params!, x!, editHeads ? { editHeads } : {});
        const { means } = lossOf(logits, labels!, this.shape);
        return [concat([means, ...[logits, ...maps].map((part) => reshape(part, [-1]) as Tensor1D)])];
      });
      const editTensors = edit ? edit.tensors() : [];
      const [packed] = compiled.run([this.#state.params, x, labels, ...editTensors]);
      const values = await packed!.data<'float32'>();
      for (const used of [x, labels, packed!, ...editTensors]) used.dispose();
      result.loss += (values[0]! * part.size) / batch.size;
      result.accuracy += (values[1]! * part.size) / batch.size;
      result.logits.set(values.subarray(2, 2 + part.size * logitsPerExample), start * logitsPerExample);
      // The network gives [layer][example][head]; callers need [example][layer][head].
      const mapSize = heads * seqLen * seqLen;
      const maps = values.subarray(2 + part.size * logitsPerExample);
      for (let layer = 0; layer < layers; layer++)
        for (let at = 0; at < part.size; at++) {
          const from = (layer * part.size + at) * mapSize;
          result.maps.set(maps.subarray(from, from + mapSize), (start + at) * perExample + layer * mapSize);
        }
    }
    return result;
  }

  async state(): Promise<LearnerState> {
    const { params, m, v } = this.#state;
    const read = async (vector: Tensor1D) => Float32Array.from(await vector.data<'float32'>());
    const fresh = this.#updates === 0;
    return {
      params: await read(params),
      m: fresh ? null : await read(m),
      v: fresh || this.optimizer === 'sgd' ? null : await read(v),
      updates: this.#updates,
    };
  }

  load(state: LearnerState): void {
    for (const key of ['params', 'm', 'v'] as const) {
      const length = state[key]?.length ?? this.#count;
      if (length !== this.#count) throw new RangeError(`${key}: ${length} numbers, the model has ${this.#count} parameters`);
    }
    if (!Number.isSafeInteger(state.updates) || state.updates < 0)
      throw new RangeError(`updates: ${state.updates} is not a whole number of at least 0`);
    const old = this.#state;
    this.#state = this.#tensors(state);
    this.#updates = state.updates;
    for (const vector of Object.values(old)) vector.dispose();
  }

  dispose(): void {
    for (const vector of Object.values(this.#state)) vector.dispose();
    for (const compiled of this.#compiled.values()) compiled.dispose();
    this.#compiled.clear();
  }

  #tensors({ params, m, v }: LearnerState): OptimizerState {
    const vector = (values: Float32Array | null) => tensor1d(values ? values.slice() : new Float32Array(this.#count));
    // The backends keep a given array until its first use, so every vector is copied.
    return { params: vector(params), m: vector(m), v: vector(v) };
  }

  #compile(key: string, fn: (inputs: Tensor[]) => Tensor[]): CompiledStep {
    let compiled = this.#compiled.get(key);
    if (!compiled) {
      compiled = this.compileStep(fn);
      this.#compiled.set(key, compiled);
    }
    return compiled;
  }

  #forward(params: Tensor, x: Tensor, options: ForwardOptions = {}): Forward {
    return forward(unflatten(params as Tensor1D, this.params), this.shape, x, options);
  }
}

/** `means` [2]: loss and accuracy on one batch, and the gradient of every parameter; see `forward` for the arguments. */
export function lossAndGradients(p: Named, shape: ModelShape, x: Tensor, labels: Tensor, options: ForwardOptions = {}) {
  const { logits, maps, trace } = forward(p, shape, x, options);
  const { means, dLogits } = lossOf(logits, labels, shape);
  return { means, logits, maps, grads: backward(p, shape, trace, dLogits()) };
}

/** Loss of logits [N, C] and labels: one row per position, or, over a set, one row per example with its items as classes. */
function lossOf(logits: Tensor2D, labels: Tensor, shape: ModelShape) {
  const rows = shape.output === 'set' ? reshape(logits, [-1, shape.seqLen]) : logits;
  const { means, dLogits } = crossEntropy(rows as Tensor2D, reshape(labels, [-1]) as Tensor1D);
  return { means, dLogits: (): Tensor2D => reshape(dLogits(), logits.shape) };
}

/** [loss, accuracy, gradient norm, the number compared with the clip value, and with `each` the norm of every gradient] */
function stepMetrics(means: Tensor1D, squares: Tensor1D, flat: Tensor1D, { clipByValue }: UpdatePlan, each: boolean): Tensor1D {
  const [metrics] = (clipByValue ? null : fused('metrics', { means, squares }, { each })) ?? [composed()];
  return metrics as Tensor1D;

  function composed(): Tensor1D {
    const norm = reshape(sqrt(sum(squares)), [1]) as Tensor1D;
    const largest = clipByValue ? (reshape(max(abs(flat)), [1]) as Tensor1D) : norm;
    return concat([means, norm, largest, ...(each ? [sqrt(squares)] : [])]);
  }
}
