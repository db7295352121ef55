/** Both tasks' published sizes (DESIGN.md section 3), with random numbers for data: a step's time does not depend on what they are. */
import { defaultConfig, type TaskKind } from '~/shared/config';
import type { Hyper, ModelShape } from '~/trainer/types';

export interface Setup {
  shape: ModelShape;
  batchSize: number;
  hyper: Hyper;
}

const inputs: Record<TaskKind, Pick<ModelShape, 'input' | 'inputDim' | 'seqLen' | 'positional' | 'output' | 'outputDim'>> = {
  reverse: { input: 'onehot', inputDim: 10, seqLen: 16, positional: true, output: 'position', outputDim: 10 },
  anomaly: { input: 'features', inputDim: 512, seqLen: 10, positional: false, output: 'set', outputDim: 1 },
};

export function setupOf(task: TaskKind): Setup {
  const { model, optimizer, clip, batchSize } = defaultConfig(task);
  const { modelDim, layers, heads, dropout, inputDropout } = model;
  return {
    shape: { ...inputs[task], modelDim, layers, heads },
    batchSize,
    hyper: { ...optimizer, clip, dropout, inputDropout },
  };
}
