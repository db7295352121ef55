/** Feature extractors: ResNet-34, or the descriptor of the built-in pictures where the weights are not available. */
import { type Tensor4D, tensor4d } from '@tensorflow/tfjs-core';
import { parseSafetensors } from '~/shared/safetensors';
import type { OpenedBackend } from '~/trainer/backends';
import { eagerStep } from '~/trainer/backends/eagerStep';
import { hashOf } from '~/trainer/base/hash';
import { describePicture, featureDim as descriptorDim } from '~/trainer/recipes/pictures/descriptor';
import { side as descriptorSide } from '~/trainer/recipes/pictures/draw';
import { normalize, Resnet34, featureDim as resnetDim } from './resnet34';

export interface Extractor {
  /** Written into the file: how the features were made. */
  provenance: Record<string, string>;
  dim: number;
  /** Side of the input pictures, pixels. */
  side: number;
  /** @param pictures each RGB, [side, side, 3] @returns [pictures.length, dim] */
  features(pictures: Uint8Array[]): Promise<Float32Array>;
  dispose(): void;
}

/** ResNet-34 on the current backend. @param backend the current one @throws SafetensorsError when the bytes are not ResNet-34's weights */
export function resnetExtractor(
  weights: Uint8Array,
  source: string,
  backend: Pick<OpenedBackend, 'name' | 'compileStep'>,
): Extractor {
  const net = new Resnet34(parseSafetensors(weights));
  // Elsewhere op by op: wasm records no convolution, and a recording of the others would hold all weights once more.
  const compileStep = backend.name === 'onnx' ? backend.compileStep : eagerStep;
  const compiled = compileStep(([pictures]) => [net.features(pictures as Tensor4D)]);
  const side = 224;
  return {
    provenance: {
      network: 'resnet34',
      input: '224 x 224, bilinear, ImageNet mean and deviation',
      weights: source,
      weightsSha256: hashOf(weights),
    },
    dim: resnetDim,
    side,
    async features(pictures) {
      const pixels = side * side * 3;
      const input = new Float32Array(pictures.length * pixels);
      pictures.forEach((rgb, i) => {
        normalize(rgb, input.subarray(i * pixels, (i + 1) * pixels));
      });
      const x = tensor4d(input, [pictures.length, side, side, 3]);
      const [y] = compiled.run([x]);
      x.dispose();
      try {
        return await y!.data<'float32'>();
      } finally {
        y!.dispose();
      }
    },
    dispose() {
      compiled.dispose();
      net.dispose();
    },
  };
}

export function descriptorExtractor(): Extractor {
  return {
    provenance: { network: 'descriptor', input: '32 x 32, bilinear', weights: 'none' },
    dim: descriptorDim,
    side: descriptorSide,
    async features(pictures) {
      const out = new Float32Array(pictures.length * descriptorDim);
      pictures.forEach((rgb, i) => {
        describePicture(rgb, out.subarray(i * descriptorDim, (i + 1) * descriptorDim));
      });
      return out;
    },
    dispose: () => {},
  };
}
