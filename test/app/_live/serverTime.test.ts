import { describe, expect, it } from 'vitest';
import { ServerTime, silentAfterMs } from '~/app/_live/serverTime';

const hour = 3_600_000;

describe('the time on the server', () => {
  it("decides, however wrong this computer's clock is", () => {
    const time = new ServerTime();
    expect(time.now(1000)).toBe(1000); // not heard of yet
    time.hear(5 * hour, 0, 0);
    expect(time.now(250)).toBe(5 * hour + 250);
  });

  it('is taken from the message that was least delayed', () => {
    const time = new ServerTime();
    // Server = local + 1000; the messages were under way for 40, 5 and 900 ms.
    time.hear(1000, 40, 40);
    time.hear(2000, 1005, 1005);
    time.hear(3000, 2900, 2900);
    expect(time.now(0)).toBe(995);
  });

  it('follows a clock that was set: old measurements are forgotten', () => {
    const time = new ServerTime();
    time.hear(0, 0, 0);
    for (let i = 1; i <= 10; i++) time.hear(i * 1000 - hour, i * 1000, i * 1000);
    expect(time.now(20_000)).toBe(20_000 - hour);
  });
});

describe('silence', () => {
  it('is said after three seconds without any message, and not before the first', () => {
    const time = new ServerTime();
    expect(time.silentMs(hour)).toBe(0);
    time.hear(0, 0, 100);
    expect(time.silentMs(100 + silentAfterMs)).toBe(0);
    expect(time.silentMs(101 + silentAfterMs)).toBe(silentAfterMs + 1);
    time.heard(4000);
    expect(time.silentMs(4500)).toBe(0);
    time.reset();
    expect(time.silentMs(hour)).toBe(0);
  });
});
