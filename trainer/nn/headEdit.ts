/** A forward pass in which chosen heads are switched off. */
import { add, mean, mul, slice, type Tensor, type Tensor2D, tensor, tidy } from '@tensorflow/tfjs-core';
import type { HeadOff, ModelShape } from '~/trainer/types';

/** @throws RangeError for a head that the model does not have */
export function checkHeadsOff(off: readonly HeadOff[], { layers, heads }: ModelShape): void {
  for (const { layer, head } of off) {
    if (!Number.isInteger(layer) || layer < 0 || layer >= layers)
      throw new RangeError(`layer: ${layer} is not in 0 .. ${layers - 1}`);
    if (!Number.isInteger(head) || head < 0 || head >= heads) throw new RangeError(`head: ${head} is not in 0 .. ${heads - 1}`);
  }
}

/** Per layer and column of the heads' outputs [layers, D]: 1 keeps it (`keep`), 1 replaces it by its mean (`toMean`), both 0 replace it by zero. */
export class HeadEdit {
  readonly #keep: Float32Array;
  readonly #toMean: Float32Array;

  constructor(
    readonly shape: ModelShape,
    off: readonly HeadOff[],
  ) {
    const { layers, modelDim, heads } = shape;
    const headDim = modelDim / heads;
    this.#keep = new Float32Array(layers * modelDim).fill(1);
    this.#toMean = new Float32Array(layers * modelDim);
    for (const { layer, head, how } of off) {
      const start = layer * modelDim + head * headDim;
      this.#keep.fill(0, start, start + headDim);
      this.#toMean.fill(how === 'mean' ? 1 : 0, start, start + headDim);
    }
  }

  tensors(): [Tensor, Tensor] {
    const shape = [this.shape.layers, this.shape.modelDim];
    return [tensor(this.#keep.slice(), shape), tensor(this.#toMean.slice(), shape)];
  }
}

/** The heads' outputs [N, D] of a layer after the edit. @param keep, toMean from `HeadEdit.tensors` */
export function editContext(context: Tensor2D, layer: number, keep: Tensor2D, toMean: Tensor2D): Tensor2D {
  return tidy(() => {
    const row = (table: Tensor2D) => slice(table, [layer, 0], [1, -1]);
    return add(mul(context, row(keep)), mul(mean(context, 0, true), row(toMean)));
  });
}
