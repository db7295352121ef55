import { describe, expect, it } from 'vitest';
import { rateLimit } from '~/server/base/rateLimit';
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
