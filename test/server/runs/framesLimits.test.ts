/** What Frames keeps in memory, for how long, and what a viewer that falls behind is still sent. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Frames, frameSettings } from '~/server/runs/frames';
import { applyFrame } from '~/shared/applyFrame';
import type { Entry, RunEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import { unpack } from '~/shared/pack';
import type { RunView } from '~/shared/view';
import type { Frame } from '~/shared/viewerProtocol';
import { type FakeClock, fakeClock } from '~/test/support/fakeClock';
import { FramePort } from '~/test/support/framePort';
import { publishedSetup } from '~/test/support/setups';
import { runStarted, startValues, steps } from '~/test/support/synthetic';

const setup = publishedSetup('reverse');
const values = startValues(setup);
/** Numbers in one row of the series of `steps`. */
const wide = 9;

let clock: FakeClock;
let view: RunView;
let frames: Frames;

function append(...events: RunEvent[]): void {
  const entries = events.map((event) => {
    const entry: Entry = { seq: view.seq + 1, attempt: view.attempt, at: clock.now(), event };
    view = fold(view, entry);
    return entry;
  });
  frames.publish(entries, view);
}
const note = (message: string): RunEvent => ({ type: 'alert', step: 0, level: 'info', kind: 'k', message });
const begin = (changes: Partial<typeof frameSettings> = {}) => {
  frames = new Frames('run001', view, clock, { ...frameSettings, ...changes });
};
const at = (seq: number) => ({ attempt: view.attempt, seq });
const events = (frame: Frame) =>
  frame.entries.map((e) => (e.event.type === 'rows' ? e.event.values.length / wide : e.event.type));

beforeEach(() => {
  clock = fakeClock();
  view = emptyView('run001', {
    seq: 1,
    attempt: 0,
    at: 0,
    event: { type: 'run.created', setup, actor: { id: 'u1', name: 'Ada', role: 'operator' }, parent: null },
  });
  begin();
  append(runStarted(0, values)); // 2
});

describe('entries kept for viewers that come back', () => {
  it('hold at most so many numbers, counted anew as old ones go', () => {
    begin({ reach: { entries: 1e6, values: 10 * wide } });
    append(steps(0, 4, values)); // 3..6
    append(steps(4, 6, values)); // 7..12: ten rows are kept
    expect(frames.join(new FramePort(), at(2)).view).toBeNull();
    append(steps(10, 4, values)); // 13..16: the first four go
    expect(frames.join(new FramePort(), at(2)).view).not.toBeNull();
    expect(frames.join(new FramePort(), at(6)).view).toBeNull();
    append(steps(14, 1, values)); // 17: eleven, so that the first six go
    expect(frames.join(new FramePort(), at(6)).view).not.toBeNull();
    expect(frames.join(new FramePort(), at(12)).view).toBeNull();
  });

  it('a viewer that has everything needs none of them', () => {
    begin({ reach: { entries: 0, values: 0 } });
    append(note('a'));
    const port = new FramePort();
    expect(frames.join(port, at(view.seq)).view).toBeNull();
    clock.advance(1000);
    expect(port.frames).toEqual([]);
    append(note('b'));
    clock.advance(1000);
    expect(port.spans).toEqual([[4, 4]]);
  });

  it('a viewer that comes back after more than it may have queued misses rows, as one that was there', () => {
    begin({ maxQueuedValues: 5 * wide });
    const start = view;
    append(steps(0, 5, values)); // 3..7
    const whole = new FramePort();
    frames.join(whole, at(2));
    append(steps(5, 1, values), note('a')); // 8, 9
    const late = new FramePort();
    frames.join(late, at(2));
    clock.advance(1000);
    expect(whole.frames.flatMap(events)).toEqual([1, 'alert']);
    expect(late.frames.map(events)).toEqual([[1, 'alert']]);
    expect(late.frames[0]).toMatchObject({ from: 3, to: 9, skippedSteps: [0, 4], caughtUp: { step: view.step } });
    const applied = applyFrame(start, late.frames[0]!);
    expect(applied).toMatchObject({ kind: 'applied', view });
  });

  it('one view is packed once for all who join at it', () => {
    const [a, b] = [frames.join(new FramePort(), null).view, frames.join(new FramePort(), null).view];
    expect(a).toBe(b);
    append(note('x'));
    const c = frames.join(new FramePort(), null).view!;
    expect(unpack(c)).toEqual(view);
  });
});

describe('a viewer that falls behind', () => {
  it('keeps every row until it has more numbers queued than it may; then the newest of each stream and what came between', () => {
    begin({ maxQueuedValues: 6 * wide });
    const slow = new FramePort(undefined, false);
    frames.join(slow, null);
    append(steps(0, 1, values));
    clock.advance(100);
    append(steps(1, 1, values));
    clock.advance(100);
    append(steps(2, 6, values));
    slow.unanswered.shift()!();
    clock.advance(100);
    expect([events(slow.frames.at(-1)!), slow.frames.at(-1)!.skippedSteps]).toEqual([[6], null]);
    append(steps(8, 3, values));
    append(steps(11, 1, values), note('a'), steps(12, 3, values));
    // Skipped once, what is queued counts from there: three more rows fit.
    append(steps(15, 3, values));
    slow.unanswered.shift()!();
    clock.advance(100);
    expect([events(slow.frames.at(-1)!), slow.frames.at(-1)!.skippedSteps]).toEqual([
      [1, 'alert', 1, 3],
      [8, 13],
    ]);
  });

  it('a row alone keeps its place, and rows with times of their own keep them', () => {
    begin({ maxQueuedValues: 2 * wide });
    const slow = new FramePort(undefined, false);
    frames.join(slow, null);
    append(note('a'));
    clock.advance(100);
    append(note('b'));
    clock.advance(100);
    const timed = (first: number, count: number) => {
      const rows = steps(first, count, values);
      return { ...rows, times: Float64Array.from({ length: count }, (_, i) => 1000 + first + i) } as RunEvent;
    };
    append(timed(0, 1), note('c'), timed(1, 3));
    slow.unanswered.shift()!();
    clock.advance(100);
    const rows = slow.frames.at(-1)!.entries.flatMap(({ seq, event }) => (event.type === 'rows' ? [{ seq, event }] : []));
    expect(rows.map(({ seq, event }) => [seq, [...event.times!], event.values.length / wide])).toEqual([
      [5, [1000], 1],
      [9, [1003], 1],
    ]);
    expect(slow.frames.at(-1)!.skippedSteps).toEqual([1, 2]);
  });

  it('is let go when other entries than rows pile up', () => {
    const slow = new FramePort(undefined, false);
    frames.join(slow, null);
    append(...Array.from({ length: 20_000 }, (_, i) => note(`${i}`)));
    expect(slow.dropped).toBeNull();
    append(note('one more'));
    expect(slow.dropped).toBe('fell too far behind');
    expect(frames.size).toBe(0);
  });

  it('gets a frame of its own when it is sent one together with a viewer that keeps up', () => {
    const [slow, quick] = [new FramePort(undefined, false), new FramePort()];
    frames.join(slow, null);
    frames.join(quick, null);
    for (const text of ['a', 'b', 'c']) {
      append(note(text));
      clock.advance(100);
    }
    append(note('d'));
    slow.unanswered.shift()!();
    clock.advance(100);
    expect([slow.spans.at(-1), quick.spans.at(-1)]).toEqual([
      [5, 6],
      [6, 6],
    ]);
  });
});

it('the text of a process goes to no viewer: pages read it when they show it', () => {
  const port = new FramePort();
  frames.join(port, null);
  const console: RunEvent = { type: 'console', stream: 'out', text: 'epoch 1\n' };
  append(console);
  clock.advance(100);
  expect(port.frames[0]!.entries[0]!.event).toEqual({ ...console, text: '' });
});

it('sends nothing more once it is closed', () => {
  const port = new FramePort();
  frames.join(port, null);
  append(note('a'));
  frames.close();
  clock.advance(1000);
  expect([port.frames, port.lists, frames.size, clock.waiting()]).toEqual([[], [], 0, 0]);
});
