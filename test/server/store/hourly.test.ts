import { expect, it, vi } from 'vitest';
import { hourly } from '~/server/store/sqlite/checksums';

it('a check of a whole table is done at the first miss, not at each; one that found damage is done again', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    let damaged = true;
    const check = vi.fn(() => {
      if (damaged) throw new Error('damaged');
    });
    const ask = hourly(check);
    expect(ask).toThrow('damaged');
    expect(ask).toThrow('damaged');
    damaged = false;
    for (let i = 0; i < 1000; i++) ask();
    expect(check).toHaveBeenCalledTimes(3);
    vi.advanceTimersByTime(3_600_000);
    ask();
    expect(check).toHaveBeenCalledTimes(4);
  } finally {
    vi.useRealTimers();
  }
});
