import type { Clock } from './clock';

/** A bucket of `burst` tokens that refills with `perSecond`. @returns true when one could be taken */
export function rateLimit(clock: Pick<Clock, 'elapsed'>, perSecond: number, burst: number): () => boolean {
  let tokens = burst;
  let at = clock.elapsed();
  return () => {
    const now = clock.elapsed();
    tokens = Math.min(burst, tokens + ((now - at) / 1000) * perSecond);
    at = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
