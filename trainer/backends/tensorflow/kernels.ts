import { mul, registerKernel, split, stack, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { fusedKernels } from '~/trainer/nn/fused';
import { noiseKernel } from '~/trainer/nn/noise';
import type { NodeBackend } from './load';
import { attrType } from './protobuf';

/** Dropout's noise by TensorFlow's own counter-based generator (Philox), which a recorded graph can hold. */
export function registerNoise({ binding }: NodeBackend): void {
  registerKernel({
    kernelName: noiseKernel,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { executeSingleOutput } = backend as NodeBackend;
      const run = executeSingleOutput.bind(backend as NodeBackend);
      const { site, shape } = attrs as unknown as { site: number; shape: number[] };
      const int32 = (name: string) => ({ name, type: attrType.type, value: binding.TF_INT32 });
      const seed = run('AddV2', [int32('T')], [inputs.seed as Tensor, tensor1d([site, 0], 'int32')]);
      const attributes = [{ name: 'dtype', type: attrType.type, value: binding.TF_FLOAT }, int32('T'), int32('Tseed')];
      return run('StatelessRandomUniform', attributes, [tensor1d(shape, 'int32'), seed]);
    },
  });
}

/** A sum of squares in one op; square and sum would be two. */
export function registerSquaredNorms({ binding }: NodeBackend): void {
  registerKernel({
    kernelName: fusedKernels.squaredNorms,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const attributes = [{ name: 'T', type: attrType.type, value: binding.TF_FLOAT }];
      const parts = split(inputs.flat as Tensor, (attrs as unknown as { sizes: number[] }).sizes);
      const halves = parts.map((grad) => (backend as NodeBackend).executeSingleOutput('L2Loss', attributes, [grad]));
      return [mul(stack(halves), 2)];
    },
  });
}
