import { describe, expect, it } from 'vitest';
import { costAccount, rateLimit } from '~/server/base/rateLimit';
import { fakeClock } from '~/test/support/fakeClock';

const hour = 3_600_000;

describe('a wall clock that is set back', () => {
  it('does not stop a rate limit from refilling', () => {
    const clock = fakeClock();
    const admit = rateLimit(clock, 2, 1);
    expect(admit()).toBe(true);
    clock.jump(-hour);
    expect(admit()).toBe(false);
    clock.advance(500); // 2 per second: one more after half a second
    expect(admit()).toBe(true);
  });

  it('does not grant more than the burst when it is set forward', () => {
    const clock = fakeClock();
    const admit = rateLimit(clock, 2, 1);
    expect(admit()).toBe(true);
    clock.jump(hour);
    expect(admit()).toBe(false);
  });
});

describe('a rate limit', () => {
  it('lets through what its bucket holds, takes nothing for what it refuses, and refills at its rate up to the burst', () => {
    const clock = fakeClock();
    clock.advance(5000);
    const admit = rateLimit(clock, 2, 4);
    expect([admit(3), admit(2), admit(1), admit()]).toEqual([true, false, true, false]);
    clock.advance(1000);
    expect([admit(3), admit(2), admit()]).toEqual([false, true, false]);
    clock.advance(hour);
    expect([admit(5), admit(4)]).toEqual([false, true]);
  });
});

describe('an account of costs that are known only afterwards', () => {
  it('makes who has overspent wait until it has refilled, and keeps no more than its burst', () => {
    const clock = fakeClock();
    clock.advance(5000);
    const account = costAccount(clock, 100, 50);
    expect(account.wait()).toBe(0);
    account.spend(49);
    expect(account.wait()).toBe(0);
    account.spend(21);
    // 20 below 0 at 100 per second.
    expect(account.wait()).toBe(201);
    clock.advance(100);
    expect(account.wait()).toBe(101);
    clock.advance(100);
    expect(account.wait()).toBe(1);
    clock.advance(1);
    expect(account.wait()).toBe(0);
    clock.advance(hour);
    account.spend(50);
    expect(account.wait()).toBe(1);
  });
});
