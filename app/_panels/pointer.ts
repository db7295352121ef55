import { lit, sameSpot } from '../_charts/attention/focus';
import type { Pointer } from '../_live/presence';
import { focusStore } from './attention/focusStore';

/** What is pointed at in the attention workspace, as the others see it. */
export const pointer: Pointer = {
  get: () => lit(focusStore.get()),
  subscribe: focusStore.subscribe,
  point: (spot) => {
    if (!sameSpot(lit(focusStore.get()), spot)) focusStore.send({ type: 'hover', spot });
  },
};
