/** The parameters as one flat vector: names, shapes and order are the same as in the PyTorch model's state dict. */

import type { ModelShape, ParamSpec } from '~/trainer/types';
import { RandomStream } from './random';

/**
 * The parameters in the order of PyTorch's `state_dict()`; weights are [out, in].
 *
 * A learned embedding is an `nn.Embedding(inputDim, modelDim)` named `embedding` in front of a model that was built with
 * `input_dim = model_dim`: `self.embedding = nn.Embedding(...)` before `self.input_net`, `x = self.input_net(self.embedding(ids))`.
 *
 * @throws RangeError when the shape describes no model
 */
export function paramSpecs(shape: ModelShape): ParamSpec[] {
  checkShape(shape);
  const { modelDim: d, inputDim, outputDim } = shape;
  const learned = shape.input === 'learned';
  const linear = (name: string, out: number, into: number): [string, number[]][] => [
    [`${name}.weight`, [out, into]],
    [`${name}.bias`, [out]],
  ];
  const norm = (name: string): [string, number[]][] => [
    [`${name}.weight`, [d]],
    [`${name}.bias`, [d]],
  ];
  const layer = (name: string) => [
    ...linear(`${name}.self_attn.qkv_proj`, 3 * d, d),
    ...linear(`${name}.self_attn.o_proj`, d, d),
    ...linear(`${name}.linear_net.0`, 2 * d, d),
    ...linear(`${name}.linear_net.3`, d, 2 * d),
    ...norm(`${name}.norm1`),
    ...norm(`${name}.norm2`),
  ];
  const named: [string, number[]][] = [
    ...(learned ? ([['embedding.weight', [inputDim, d]]] as [string, number[]][]) : []),
    ...linear('input_net.1', d, learned ? d : inputDim),
    ...Array.from({ length: shape.layers }, (_, at) => layer(`transformer.layers.${at}`)).flat(),
    ...linear('output_net.0', d, d),
    ...norm('output_net.1'),
    ...linear('output_net.4', outputDim, d),
  ];
  let offset = 0;
  return named.map(([name, dims]) => {
    const size = dims.reduce((n, dim) => n * dim, 1);
    offset += size;
    return { name, shape: dims, offset: offset - size, size };
  });
}

function checkShape(shape: ModelShape): void {
  for (const key of ['inputDim', 'seqLen', 'outputDim', 'modelDim', 'layers', 'heads'] as const) {
    if (!Number.isInteger(shape[key]) || shape[key] < 1)
      throw new RangeError(`${key}: ${shape[key]} is not a whole number of at least 1`);
  }
  if (shape.modelDim % shape.heads !== 0)
    throw new RangeError(`heads: ${shape.heads} does not divide modelDim ${shape.modelDim}`);
  if (shape.positional && shape.modelDim % 2 !== 0)
    throw new RangeError(`modelDim: ${shape.modelDim} is odd; sine and cosine positions need an even one`);
  if (shape.output === 'set' && shape.outputDim !== 1)
    throw new RangeError(`outputDim: ${shape.outputDim}, but a set has one logit per item`);
}

/** Elements of the flat vector. */
export function paramCount(specs: readonly ParamSpec[]): number {
  const last = specs.at(-1)!;
  return last.offset + last.size;
}

/**
 * Random initial parameters, each from its own stream, so that it depends only on the seed and its name.
 *
 * qkv_proj and o_proj: Xavier uniform, bias 0. Other Linear: PyTorch's default, U(-k, k) with k = 1/sqrt(in) for weight and bias.
 * LayerNorm: ones and zeros. Embedding: N(0, 1).
 */
export function initialParams(shape: ModelShape, seed: number): Float32Array {
  const specs = paramSpecs(shape);
  const flat = new Float32Array(paramCount(specs));
  const weightShape = new Map(specs.map((spec) => [spec.name, spec.shape]));
  for (const { name, offset, size } of specs) {
    const stream = new RandomStream(seed, `init ${name}`);
    const [out = 1, into] = weightShape.get(name.replace(/bias$/, 'weight'))!;
    const isBias = name.endsWith('bias');
    let draw: (at: number) => number;
    if (into === undefined) draw = () => (isBias ? 0 : 1);
    else if (name.startsWith('embedding')) draw = (at) => stream.normal(at);
    else if (name.includes('self_attn')) {
      const bound = isBias ? 0 : Math.sqrt(6 / (into + out));
      draw = (at) => bound * (2 * stream.uniform(at) - 1);
    } else {
      const bound = 1 / Math.sqrt(into);
      draw = (at) => bound * (2 * stream.uniform(at) - 1);
    }
    for (let at = 0; at < size; at++) flat[offset + at] = draw(at);
  }
  return flat;
}
