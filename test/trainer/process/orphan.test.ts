import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { orphanLeavesAfterMs, watchParent } from '~/trainer/process/orphan';

describe('a trainer whose server was killed', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const watched = (parent: string | undefined) => {
    const state = { ppid: 100, withoutServerMs: 0, left: [] as string[] };
    const watch = watchParent({
      parent,
      ppid: () => state.ppid,
      withoutServerMs: () => state.withoutServerMs,
      leave: (message) => state.left.push(message),
    });
    return { state, watch };
  };

  it('is needed while its server lives, however long that server is out of reach', () => {
    const { state, watch } = watched('100');
    state.withoutServerMs = 10 * orphanLeavesAfterMs;
    vi.advanceTimersByTime(10 * orphanLeavesAfterMs);
    expect([watch.unneeded.aborted, state.left]).toEqual([false, []]);
  });

  it('takes no further run once its server has ended, and goes on with the one it holds while a server takes its events', () => {
    const { state, watch } = watched('100');
    state.ppid = 1;
    vi.advanceTimersByTime(500);
    expect([watch.unneeded.aborted, state.left]).toEqual([true, []]);
    vi.advanceTimersByTime(10 * orphanLeavesAfterMs);
    expect(state.left).toEqual([]);
  });

  it('leaves once, when no server was reached for the stated time', () => {
    const { state } = watched('100');
    state.ppid = 1;
    state.withoutServerMs = orphanLeavesAfterMs - 1;
    vi.advanceTimersByTime(500);
    expect(state.left).toEqual([]);
    state.withoutServerMs = orphanLeavesAfterMs;
    vi.advanceTimersByTime(5000);
    expect(state.left).toEqual(['the server that started this trainer has ended, and none was reached for 60 s: leaving']);
  });

  it('stays when it was started by hand', () => {
    const { state, watch } = watched(undefined);
    state.ppid = 1;
    state.withoutServerMs = 10 * orphanLeavesAfterMs;
    vi.advanceTimersByTime(10 * orphanLeavesAfterMs);
    expect([watch.unneeded.aborted, state.left]).toEqual([false, []]);
  });
});
