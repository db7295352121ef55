import { RandomStream } from '~/trainer/nn/random';

/** The order of 0 .. size - 1 in each epoch, a function of seed and epoch; the newest order is cached, because epochs are read from start to end. */
export function epochOrders(seed: number, name: string, size: number): (epoch: number) => Uint32Array {
  let kept: { epoch: number; order: Uint32Array } | null = null;
  return (epoch) => {
    if (kept?.epoch !== epoch) kept = { epoch, order: new RandomStream(seed, `${name}/${epoch}`).permutation(size) };
    return kept.order;
  };
}
