import { lit, sameSpot } from '~/app/_charts/attention/focus';
import type { Pointer } from '~/app/_live/presence';
import { focusStore } from '~/app/_run/attention/focusStore';

/** The cell or head that this person points at, as other people see it. */
export const pointer: Pointer = {
  get: () => lit(focusStore.get()),
  subscribe: focusStore.subscribe,
  point: (spot) => {
    if (!sameSpot(lit(focusStore.get()), spot)) focusStore.send({ type: 'hover', spot });
  },
};
