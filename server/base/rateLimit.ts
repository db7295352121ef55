import type { Clock } from './clock';

/**
 * A bucket of `burst` tokens that refills at `perSecond`. @returns a function that takes `cost` tokens and returns true, or takes
 * none and returns false when there are too few
 */
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

/**
 * Like `rateLimit`, for costs that are known only afterwards: a client that has overspent waits until the bucket has refilled.
 */
export function costAccount(clock: Pick<Clock, 'elapsed'>, perSecond: number, burst: number) {
  let left = burst;
  let at = clock.elapsed();
  const refill = () => {
    const now = clock.elapsed();
    left = Math.min(burst, left + ((now - at) / 1000) * perSecond);
    at = now;
  };
  return {
    /** ms until the next request is allowed; 0 = now. */
    wait(): number {
      refill();
      return left > 0 ? 0 : Math.ceil((-left / perSecond) * 1000) + 1;
    },
    spend(cost: number): void {
      refill();
      left -= cost;
    },
  };
}
