import { nanoid } from 'nanoid';
import type { Host } from './runStore';

export const browserHost: Host = {
  // A hidden tab draws nothing, and its title should still move.
  soon: (f) => {
    if (document.hidden) setTimeout(f, 250);
    else requestAnimationFrame(f);
  },
  after: (ms, f) => {
    const timer = setTimeout(f, ms);
    return () => clearTimeout(timer);
  },
  newId: () => nanoid(),
  random: Math.random,
};
