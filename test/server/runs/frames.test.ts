import { beforeEach, describe, expect, it } from 'vitest';
import { Frames, frameSettings, type ViewerPort } from '~/server/runs/frames';
import { applyFrame } from '~/shared/applyFrame';
import type { Entry, RunEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import { unpack } from '~/shared/pack';
import { seqCount } from '~/shared/rows';
import type { RunView } from '~/shared/view';
import type { Frame } from '~/shared/viewerProtocol';
import { type FakeClock, fakeClock } from '~/test/support/fakeClock';
import { FramePort } from '~/test/support/framePort';
import { publishedSetup } from '~/test/support/setups';
import { runStarted, startValues, steps } from '~/test/support/synthetic';

const setup = publishedSetup('reverse');
const values = startValues(setup);
const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };
const bob: Actor = { id: 'u2', name: 'Bob', role: 'viewer' };

let clock: FakeClock;
let view: RunView;
let frames: Frames;

function append(...events: RunEvent[]): void {
  const entries = events.map((event) => {
    const entry: Entry = {
      seq: view.seq + 1,
      attempt: event.type === 'run.assigned' ? event.attempt : view.attempt,
      at: clock.now(),
      event,
    };
    view = fold(view, entry);
    return entry;
  });
  frames.publish(entries, view);
}
const assigned = (attempt: number, fromStep: number): RunEvent => ({
  type: 'run.assigned',
  attempt,
  trainer: { id: 't', name: 't', host: 'h' },
  fromStep,
  checkpoint: null,
});
const note = (message: string): RunEvent => ({ type: 'alert', step: 0, level: 'info', kind: 'k', message });

beforeEach(() => {
  clock = fakeClock();
  const created: Entry = { seq: 1, attempt: 0, at: 0, event: { type: 'run.created', setup, actor: ada, parent: null } };
  view = emptyView('run001', created);
  frames = new Frames('run001', view, clock);
  append(assigned(1, 0), runStarted(0, values)); // 2, 3
});

/** What a viewer that joined with `start` holds after its frames. */
function shown(start: RunView, got: Frame[]): RunView {
  let now = start;
  for (const frame of got) {
    const applied = applyFrame(now, frame);
    if (applied.kind !== 'applied') throw new Error(`frame ${frame.from}..${frame.to} on a view at ${now.seq}: ${applied.kind}`);
    now = applied.view;
  }
  return now;
}

describe('frames', () => {
  it('the first entry after a rest goes out at once, what follows within one interval goes together', () => {
    const viewer = new FramePort();
    frames.join(viewer, null);
    append(steps(0, 1, values)); // 4
    clock.advance(0);
    for (let s = 1; s <= 5; s++) append(steps(s, 1, values)); // 5..9
    clock.advance(frameSettings.everyMs - 1);
    expect(viewer.spans).toEqual([[4, 4]]);
    clock.advance(1);
    expect(viewer.spans).toEqual([
      [4, 4],
      [5, 9],
    ]);
  });

  it('go on when somebody sets the wall clock back by an hour', () => {
    const viewer = new FramePort();
    frames.join(viewer, null);
    append(steps(0, 1, values)); // 4
    clock.advance(0);
    clock.jump(-3_600_000);
    append(steps(1, 1, values)); // 5
    clock.advance(frameSettings.everyMs);
    expect(viewer.spans).toEqual([
      [4, 4],
      [5, 5],
    ]);
  });

  it('what somebody asked for does not wait for the next frame of step rows', () => {
    const viewer = new FramePort();
    frames.join(viewer, null);
    append(steps(0, 1, values)); // 4
    clock.advance(1);
    append(steps(1, 1, values)); // 5
    clock.advance(frameSettings.urgentMs);
    expect(viewer.spans).toEqual([[4, 4]]);
    append(note('applied')); // 6
    clock.advance(0);
    expect(viewer.spans).toEqual([
      [4, 4],
      [5, 6],
    ]);
  });

  it('a late joiner gets the view and then what follows, without a gap or a repeat', () => {
    append(steps(0, 10, values)); // 4..13
    const viewer = new FramePort();
    const { view: packed } = frames.join(viewer, null);
    const start = unpack(packed!) as RunView;
    expect(start).toEqual(view);
    append(steps(10, 2, values), note('x'));
    clock.advance(100);
    expect(viewer.spans).toEqual([[14, 16]]);
    expect(shown(start, viewer.frames)).toEqual(view);
  });

  it('a viewer that comes back with its cursor gets what it missed', () => {
    append(steps(0, 10, values));
    const viewer = new FramePort();
    expect(frames.join(viewer, { attempt: 1, seq: 3 }).view).toBeNull();
    clock.advance(100);
    expect(viewer.spans).toEqual([[4, 13]]);
  });

  it.each<[string, { attempt: number; seq: number }]>([
    ['of another attempt', { attempt: 0, seq: 3 }],
    ['ahead of the log', { attempt: 1, seq: 99 }],
    ['inside a steps entry', { attempt: 1, seq: 5 }],
  ])('a cursor %s gets a fresh view', (_name, cursor) => {
    append(steps(0, 10, values));
    const { view: packed } = frames.join(new FramePort(), cursor);
    expect(unpack(packed!)).toEqual(view);
  });

  it('a cursor out of reach gets a fresh view', () => {
    frames = new Frames('run001', view, clock, { ...frameSettings, reach: { entries: 3, values: 1e6 } });
    for (let i = 0; i < 5; i++) append(note(`${i}`)); // 4..8, kept 6..8
    expect(frames.join(new FramePort(), { attempt: 1, seq: 4 }).view).not.toBeNull();
    expect(frames.join(new FramePort(), { attempt: 1, seq: 5 }).view).toBeNull();
  });

  it('at most two frames are unanswered; the rest comes as one when an answer does', () => {
    const viewer = new FramePort(ada, false);
    frames.join(viewer, null);
    for (let s = 0; s < 50; s++) {
      append(steps(s, 1, values)); // 4..53
      clock.advance(100);
    }
    expect(viewer.spans).toEqual([
      [4, 4],
      [5, 5],
    ]);
    viewer.unanswered.shift()!();
    clock.advance(100);
    expect(viewer.spans.at(-1)).toEqual([6, 53]);
  });

  it('a slow viewer misses step rows and nothing else, is told which, and ends with the same view', () => {
    frames = new Frames('run001', view, clock, { ...frameSettings, maxQueuedValues: 9 * 20 });
    const slow = new FramePort(ada, false);
    frames.join(slow, null);
    const start = view;
    append(steps(0, 1, values)); // two frames in flight
    clock.advance(100);
    append(steps(1, 1, values));
    clock.advance(100);
    append(
      steps(2, 30, values),
      note('a'),
      steps(32, 30, values),
      { type: 'trainer.lost', message: 'm' },
      { type: 'trainer.back' },
    );
    append(assigned(2, 10), steps(10, 25, values), note('b'), steps(35, 3, values));
    slow.unanswered.shift()!();
    clock.advance(100);
    const frame = slow.frames.at(-1)!;
    expect(frame.entries.flatMap((e) => (e.event.type === 'rows' ? [] : [e.event.type]))).toEqual([
      'alert',
      'trainer.lost',
      'trainer.back',
      'run.assigned',
      'alert',
    ]);
    expect(frame.entries.reduce((n, e) => n + seqCount(e.event), 0)).toBeLessThan(frame.to - frame.from + 1);
    expect(frame.skippedSteps![0]).toBe(2);
    expect(frame.caughtUp).toEqual({ step: 38, streams: view.streams });
    expect(shown(start, slow.frames)).toEqual(view);
  });

  it('a slow viewer does not hold up another', () => {
    const slow = new FramePort(ada, false);
    const quick = new FramePort(bob);
    frames.join(slow, null);
    frames.join(quick, null);
    for (let s = 0; s < 20; s++) {
      append(steps(s, 1, values));
      clock.advance(70);
    }
    expect(slow.frames.length).toBe(2);
    expect(quick.frames.length).toBe(20);
  });

  it('a viewer that answers nothing for ten seconds is let go, with the reason', () => {
    clock.advance(7_000);
    const stuck = new FramePort(ada, false);
    frames.join(stuck, null);
    append(note('x'));
    clock.advance(10_000);
    expect(stuck.dropped).toBeNull();
    clock.advance(2);
    expect(stuck.dropped).toBe('no answer for 10 s');
    expect(frames.size).toBe(0);
    expect(clock.waiting()).toBe(1); // the news of who watches
  });

  it('a viewer is not let go earlier because others are sent to, nor when it has nothing to answer', () => {
    clock.advance(7_000);
    const stuck = new FramePort(ada, false);
    const idle = new FramePort(ada, false);
    frames.join(stuck, null);
    append(note('x'));
    clock.advance(100);
    frames.join(idle, null);
    frames.join(new FramePort(), null);
    for (let i = 0; i < 9; i++) {
      append(note(`${i}`));
      clock.advance(1_000);
      while (idle.unanswered.length > 0) idle.unanswered.shift()!();
      expect([stuck.dropped, stuck.frames.length]).toEqual([null, 2]);
    }
    clock.advance(20_000);
    expect([stuck.dropped, idle.dropped, frames.size]).toEqual(['no answer for 10 s', null, 2]);
  });

  it('a frame answered twice counts once', () => {
    const viewer = new FramePort(ada, false);
    frames.join(viewer, null);
    append(note('a'));
    clock.advance(100);
    append(note('b'));
    clock.advance(100);
    const answer = viewer.unanswered.shift()!;
    answer();
    answer();
    for (let i = 0; i < 5; i++) {
      append(note(`${i}`));
      clock.advance(100);
    }
    expect(viewer.frames.length).toBe(3);
  });

  it('viewers that keep up get the same bytes, packed once', () => {
    const got: Uint8Array[] = [];
    const port = (actor: Actor): ViewerPort => ({
      actor,
      frame: (bytes, ok) => {
        got.push(bytes);
        ok();
      },
      watchers: () => {},
      drop: () => {},
    });
    frames.join(port(ada), null);
    frames.join(port(bob), null);
    append(note('x'));
    clock.advance(100);
    expect(got.length).toBe(2);
    expect(got[0]).toBe(got[1]);
  });
});

it('everybody learns who watches: people once, with their tabs, in one message for many changes', () => {
  const first = new FramePort(ada);
  const { viewer } = frames.join(first, null);
  frames.join(new FramePort(ada), null);
  const third = new FramePort(bob);
  frames.join(third, null);
  clock.advance(100);
  const listed = [
    { actor: ada, tabs: 2 },
    { actor: bob, tabs: 1 },
  ];
  const all = { listed, people: 2, tabs: 3 };
  expect([first.lists, third.lists]).toEqual([[all], [all]]);
  frames.leave(viewer);
  clock.advance(100);
  expect(third.lists.at(-1)).toEqual({
    listed: [
      { actor: ada, tabs: 1 },
      { actor: bob, tabs: 1 },
    ],
    people: 2,
    tabs: 2,
  });
});

it('of hundreds of people the first hundred are named and the others counted; the more there are, the later all are told', () => {
  const first = new FramePort({ ...ada, id: 'first' });
  frames.join(first, null);
  clock.advance(100);
  for (let i = 1; i < 300; i++) frames.join(new FramePort({ ...ada, id: `person ${i}` }), null);
  frames.join(new FramePort({ ...ada, id: 'first' }), null);
  clock.advance(100);
  const latest = () => {
    const { listed, people, tabs } = first.lists.at(-1)!;
    return [listed.length, listed[0], listed.at(-1)!.actor.id, people, tabs];
  };
  const named = [100, { actor: { ...ada, id: 'first' }, tabs: 2 }, 'person 99', 300, 301];
  expect([first.lists.length, latest()]).toEqual([2, named]);
  frames.join(new FramePort(bob), null);
  clock.advance(300);
  expect(first.lists.length).toBe(2);
  clock.advance(2);
  expect([first.lists.length, latest()]).toEqual([3, [...named.slice(0, 3), 301, 302]]);
});

it('sends on what came with rows left out, naming them, and gives its view to whoever comes back from before', () => {
  // As relays do: the frames of one viewer, which is slow, go to others.
  const carrier = new FramePort(bob, false);
  frames.join(carrier, null);
  const relayed = { view, frames: new Frames('run001', view, clock) };
  const before = { attempt: view.attempt, seq: view.seq };
  const one = new FramePort();
  relayed.frames.join(one, null);
  const start = view;
  append(steps(0, 3, values));
  clock.advance(100);
  append(steps(3, 3, values));
  clock.advance(100);
  for (let at = 6; at < 6 + 16 * 500; at += 500) append(steps(at, 500, values), note(`at ${at}`));
  for (const acknowledge of carrier.unanswered.splice(0)) acknowledge();
  clock.advance(100);
  for (const frame of carrier.frames) {
    const applied = applyFrame(relayed.view, frame);
    if (applied.kind !== 'applied') throw new Error(`${frame.from}..${frame.to}: ${applied.kind}`);
    relayed.view = applied.view;
    relayed.frames.publish(applied.entries, applied.view, frame.skippedSteps);
    clock.advance(100);
  }
  expect(carrier.frames.at(-1)!.skippedSteps).not.toBeNull();
  expect(one.frames.map((f) => f.skippedSteps)).toEqual(carrier.frames.map((f) => f.skippedSteps));
  expect(shown(start, one.frames)).toEqual(view);
  const late = new FramePort();
  const { view: given } = relayed.frames.join(late, before);
  expect(unpack(given!)).toEqual(view);
});

it('a viewer whose frames come from a relay is a watcher and gets no frames and no view', () => {
  const relayed = new FramePort();
  const { view: given } = frames.join(relayed, 'relayed');
  for (let at = 0; at < 20_000; at += 500) append(steps(at, 500, values), note(`at ${at}`));
  clock.advance(20_000);
  expect([given, relayed.frames, relayed.dropped]).toEqual([null, [], null]);
  expect(frames.watchers()).toEqual([{ actor: ada, tabs: 1 }]);
  expect(relayed.lists).toEqual([{ listed: [{ actor: ada, tabs: 1 }], people: 1, tabs: 1 }]);
});
