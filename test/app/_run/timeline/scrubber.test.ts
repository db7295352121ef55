import { describe, expect, it } from 'vitest';
import { createCursor } from '~/app/_live/cursor';
import { beginsAnew, createPlayer } from '~/app/_live/player';
import { snapshotWords } from '~/app/_run/timeline/snapshotWords';

/** A player at 10 steps a second whose frames the test lets pass. */
function replay({ head = 100, over = true } = {}) {
  const cursor = createCursor();
  cursor.head(head);
  let now = 0;
  let waiting: (() => void) | null = null;
  const player = createPlayer(
    cursor,
    {
      nowMs: () => now,
      frame: (then) => {
        waiting = then;
        return () => {
          waiting = null;
        };
      },
    },
    () => 10,
    () => over,
  );
  const pass = (ms: number) => {
    now += ms;
    const turn = waiting;
    waiting = null;
    turn?.();
    return [cursor.get().mode, cursor.get().step, player.playing()];
  };
  return { cursor, player, pass };
}

describe('replay', () => {
  it('begins at step 0 from the end, and moves at the run’s pace times the speed', () => {
    const { player, pass } = replay();
    player.play(1);
    expect(pass(500)).toEqual(['pinned', 5, true]);
    player.setSpeed(10);
    expect(pass(500)).toEqual(['pinned', 55, true]);
  });

  it('a finished run stops at its last step, a live one is followed again', () => {
    const finished = replay();
    finished.player.play(100);
    expect(finished.pass(1000)).toEqual(['pinned', 100, false]);
    const live = replay({ over: false });
    live.player.play(100);
    expect(live.pass(1000)).toEqual(['live', 100, false]);
  });

  it('goes on from a pinned step and stops when somebody moves the cursor', () => {
    const { cursor, player, pass } = replay();
    cursor.pin(40);
    player.play(1);
    expect(pass(1000)).toEqual(['pinned', 50, true]);
    cursor.pin(7);
    expect(pass(1000)).toEqual(['pinned', 7, false]);
  });

  it('begins anew where no step follows the one shown: that is what its button says', () => {
    const { cursor } = replay();
    const anew = () => beginsAnew(cursor.get(), cursor.headStep());
    const pinned = [0, 40, 99, 100, 120].map((step) => {
      cursor.pin(step);
      return anew();
    });
    cursor.follow();
    expect([...pinned, anew()]).toEqual([false, false, false, true, true, true]);
  });

  it('data that arrive do not move a pinned step', () => {
    const { cursor } = replay();
    cursor.pin(40);
    cursor.head(5000);
    expect(cursor.get()).toMatchObject({ mode: 'pinned', step: 40 });
  });
});

describe('the snapshot shown', () => {
  it('is named, with the rule, when the step has none of its own', () => {
    expect(snapshotWords(137, 140)).toBe('step 137: nearest snapshot 140');
    expect(snapshotWords(140, 140)).toBe('snapshot at step 140');
    expect(snapshotWords(3, null)).toBe('');
    expect(snapshotWords(99_999, 140, 0, 150)).toBe('this run has no step 99,999: it is at 150');
    expect(snapshotWords(-5, 140, 0, 150)).toBe('this run has no step −5: it begins at 0');
  });
});
