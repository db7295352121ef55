/** Which tabs of one browser are connected. */
import { describe, expect, it } from 'vitest';
import { type AwakeHost, createAwake, restAfterMs } from '~/app/_live/awake';
import { fakeClock } from '~/test/support/fakeClock';

/** The locks of a browser: for each name who has it, and who waits for it. */
function locks() {
  type Ask = (held: boolean) => void;
  const lines = new Map<string, Ask[]>();
  const hold: AwakeHost['hold'] = (name, take, changed) => {
    const line = lines.get(name) ?? [];
    lines.set(name, line);
    const before = line[0];
    if (take) line.splice(0, 1, changed);
    else line.push(changed);
    if (take) before?.(false);
    if (line[0] === changed) changed(true);
    return () => {
      const at = line.indexOf(changed);
      if (at < 0) return;
      line.splice(at, 1);
      if (at === 0) line[0]?.(true);
    };
  };
  return hold;
}

function browser() {
  const clock = fakeClock();
  const hold = locks();
  return {
    clock,
    open(name: string, shown: boolean) {
      let hidden = !shown;
      const listeners: (() => void)[] = [];
      const awake = createAwake({
        hidden: () => hidden,
        onVisibility: (l) => listeners.push(l),
        after: clock.after,
        hold,
      });
      const told: boolean[] = [];
      awake.subscribe(() => told.push(awake.get()));
      const stop = awake.show(name);
      const turn = (to: boolean) => {
        hidden = to;
        for (const l of listeners) l();
      };
      return { awake: () => awake.get(), told, close: stop, show: () => turn(false), hide: () => turn(true) };
    },
  };
}

describe('tabs of one browser', () => {
  it('of thirty opened in the background none is awake until it is shown', () => {
    const { open } = browser();
    const first = open('run', true);
    const others = Array.from({ length: 29 }, () => open('run', false));
    expect([first, ...others].filter((t) => t.awake())).toEqual([first]);
    others[28]!.show();
    expect(others[28]!.told).toEqual([true]);
  });

  it('a hidden tab rests after a while if another shows the run, and comes back when that one is closed', () => {
    const { open, clock } = browser();
    const one = open('run', true);
    one.hide();
    const two = open('run', true);
    clock.advance(restAfterMs - 1);
    expect(one.awake()).toBe(true);
    clock.advance(1);
    expect(one.awake()).toBe(false);
    two.close();
    expect(one.told).toEqual([false, true]);
  });

  it('the tab that showed a run last goes on while all are hidden: its alarms are told', () => {
    const { open, clock } = browser();
    const [one, two] = [open('run', true), open('other', true)];
    one.hide();
    two.hide();
    clock.advance(10 * restAfterMs);
    expect([one.told, two.told]).toEqual([[], []]);
    const three = open('run', false);
    three.show();
    expect(one.told).toEqual([false]);
    three.hide();
    one.show();
    clock.advance(restAfterMs);
    expect([one.awake(), three.awake()]).toEqual([true, false]);
  });

  it('two windows that are both shown stay awake, and do not take a run from each other again and again', () => {
    const { open, clock } = browser();
    const [one, two] = [open('run', true), open('run', true)];
    clock.advance(10 * restAfterMs);
    expect([one.told, two.told]).toEqual([[], []]);
  });
});
