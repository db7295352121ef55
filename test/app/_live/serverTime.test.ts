import { describe, expect, it } from 'vitest';
import { lookEveryMs, ServerTime, silentAfterMs } from '~/app/_live/serverTime';

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
  const connected = () => {
    const time = new ServerTime();
    time.heard(0);
    return time;
  };
  /** Looks as often as the page does. @returns when silence was said first */
  const saidAt = (time: ServerTime, from: number) => {
    for (let at = from; ; at += lookEveryMs) if ((time.look(at) ?? 0) > 0) return at;
  };

  it.each([0, 1, 100, 199])('is said within three seconds after the last message; the page looks %s ms after it', (offset) => {
    const time = connected();
    time.hear(0, 0, 5000);
    const said = saidAt(time, 5000 + offset);
    expect([said - 5000 > silentAfterMs, said - 5000 <= 3000]).toEqual([true, true]);
    time.heard(said);
    expect(time.look(said + 1)).toBe(0);
    time.reset();
    expect(time.look(said + 900)).toBe(0);
  });

  it('is said of a connection over which nothing ever came', () => {
    expect(saidAt(connected(), 0)).toBeLessThanOrEqual(3000);
  });

  it('is not said by a page that stood still itself, before it has looked again', () => {
    const time = connected();
    expect(time.look(200)).toBe(0);
    expect(time.look(8000)).toBe(null);
    time.hear(0, 0, 8001);
    expect(time.look(8200)).toBe(0);
    // A hidden page looks once a minute.
    expect([time.look(68_200), time.look(128_200)]).toEqual([null, 128_200 - 8001]);
  });
});
