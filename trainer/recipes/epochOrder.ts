import { RandomStream } from '~/trainer/nn/random';

/**
 * The order of the `size` training examples in each epoch, a function of seed and epoch; the newest order is cached, because epochs are read from start to end.
 *
 * @returns the whole order, or `count` of it from `index` on. @throws RangeError when they lie outside
 */
export function epochOrders(
  seed: number,
  name: string,
  size: number,
): (epoch: number, index?: number, count?: number) => Uint32Array {
  let kept: { epoch: number; order: Uint32Array } | null = null;
  return (epoch, index = 0, count = size) => {
    if (index < 0 || index + count > size)
      throw new RangeError(`examples ${index} to ${index + count - 1} lie outside the training set of ${size}`);
    if (kept?.epoch !== epoch) kept = { epoch, order: new RandomStream(seed, `${name}/${epoch}`).permutation(size) };
    return kept.order.subarray(index, index + count);
  };
}
