/** Both tasks' published sizes (DESIGN.md section 3), with random numbers for data: a step's time does not depend on what they are. */
import { publishedConfig } from '~/test/support/setups';
import type { Hyper, ModelShape } from '~/trainer/types';

export type BenchTask = 'reverse' | 'anomaly';

export interface Setup {
  shape: ModelShape;
  batchSize: number;
  hyper: Hyper;
}

const inputs: Record<BenchTask, Pick<ModelShape, 'input' | 'inputDim' | 'seqLen' | 'positional' | 'output' | 'outputDim'>> = {
  reverse: { input: 'onehot', inputDim: 10, seqLen: 16, positional: true, output: 'position', outputDim: 10 },
  anomaly: { input: 'features', inputDim: 512, seqLen: 10, positional: false, output: 'set', outputDim: 1 },
};

export function setupOf(task: BenchTask): Setup {
  const { model, optimizer, clip, batchSize } = publishedConfig(task);
  const { modelDim, layers, heads, dropout, inputDropout } = model;
  return {
    shape: { ...inputs[task], modelDim, layers, heads },
    batchSize,
    hyper: { ...optimizer, clip, dropout, inputDropout },
  };
}
