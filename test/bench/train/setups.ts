/** Sizes of the measured steps, with random data: the time of a step does not depend on the values. */
import { publishedConfig } from '~/test/support/setups';
import type { Hyper, ModelShape } from '~/trainer/types';

/** Both built-in tasks as published; a small (6 layers, width 384, 256 positions) and a GPT-2 sized (12, 768, 512) model of text. */
export const benchTasks = ['reverse', 'anomaly', 'text6', 'text12'] as const;
export type BenchTask = (typeof benchTasks)[number];

export interface Setup {
  shape: ModelShape;
  batchSize: number;
  hyper: Hyper;
}

type Inputs = Pick<ModelShape, 'input' | 'inputDim' | 'seqLen' | 'positional' | 'output' | 'outputDim' | 'causal'>;

const text: Inputs = {
  ...{ input: 'learned', inputDim: 65, seqLen: 256, positional: true, causal: true, output: 'position', outputDim: 65 },
};
const inputs: Record<BenchTask, Inputs> = {
  reverse: { input: 'onehot', inputDim: 10, seqLen: 16, positional: true, output: 'position', outputDim: 10 },
  anomaly: { input: 'features', inputDim: 512, seqLen: 10, positional: false, output: 'set', outputDim: 1 },
  text6: text,
  text12: { ...text, seqLen: 512 },
};
const large = { text6: { layers: 6, heads: 6, modelDim: 384 }, text12: { layers: 12, heads: 12, modelDim: 768 } };

export function setupOf(task: BenchTask): Setup {
  const ofText = task === 'text6' || task === 'text12';
  const { model, optimizer, clip, batchSize } = publishedConfig(ofText ? 'text' : task);
  const { modelDim, layers, heads, dropout, inputDropout } = { ...model, ...(ofText && large[task]) };
  return {
    shape: { ...inputs[task], modelDim, layers, heads },
    batchSize: ofText ? 8 : batchSize,
    hyper: { ...optimizer, clip, dropout, inputDropout },
  };
}
