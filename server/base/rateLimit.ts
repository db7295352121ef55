import type { Clock } from './clock';

/** A bucket of `burst` tokens that refills with `perSecond`. @returns a function that takes `cost` tokens, or none and false when there are too few */
export function rateLimit(clock: Pick<Clock, 'elapsed'>, perSecond: number, burst: number): (cost?: number) => boolean {
  let tokens = burst;
  let at = clock.elapsed();
  return (cost = 1) => {
    const now = clock.elapsed();
    tokens = Math.min(burst, tokens + ((now - at) / 1000) * perSecond);
    at = now;
    if (tokens < cost) return false;
    tokens -= cost;
    return true;
  };
}
