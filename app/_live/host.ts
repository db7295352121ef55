import { nanoid } from 'nanoid';
import type { Host } from './runStore';

let notifiedAt = Number.NEGATIVE_INFINITY;

export const browserHost: Host = {
  // At most ten times a second: faster numbers cannot be read. A hidden tab draws nothing; its title changes once a second.
  soon: (f) => {
    const wait = Math.max(0, notifiedAt + 100 - performance.now());
    const go = () => {
      notifiedAt = performance.now();
      f();
    };
    if (document.hidden) setTimeout(go, 1000);
    else if (wait > 0) setTimeout(() => (document.hidden ? go() : requestAnimationFrame(go)), wait);
    else requestAnimationFrame(go);
  },
  after: (ms, f) => {
    const timer = setTimeout(f, ms);
    return () => clearTimeout(timer);
  },
  newId: () => nanoid(),
  random: Math.random,
};
