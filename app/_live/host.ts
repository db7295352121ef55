import { nanoid } from 'nanoid';
import { askNumbers } from '~/app/_charts/drawLoop';
import type { Host } from './runStore';

export const browserHost: Host = {
  // In the same frames as the charts. A hidden tab draws nothing; its title changes once a second.
  soon: (f) => {
    if (document.hidden) setTimeout(f, 1000);
    else askNumbers(f);
  },
  after: (ms, f) => {
    const timer = setTimeout(f, ms);
    return () => clearTimeout(timer);
  },
  newId: () => nanoid(),
  random: Math.random,
};
