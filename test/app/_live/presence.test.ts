import { expect, it } from 'vitest';
import { createCursor } from '~/app/_live/cursor';
import { createPresence, followedLook, type Panels, type Pointer, type Spot } from '~/app/_live/presence';
import { createStore } from '~/app/_live/store';
import type { Wire, WireListener } from '~/app/_live/wire';
import type { Actor } from '~/shared/ids';
import type { Look } from '~/shared/viewerProtocol';

const runId = 'run00001';
const bob: Actor = { id: 'bob', name: 'Bob', role: 'operator' };
const look = (more: Partial<Look> = {}): Look => ({
  live: false,
  step: 5,
  zoom: null,
  spot: null,
  shows: ['curves'],
  leads: false,
  ...more,
});

function hand(sharing: boolean) {
  const sent: (Look | null)[] = [];
  const listeners = new Set<WireListener>();
  const timers: (() => void)[] = [];
  const waits: number[] = [];
  let spot: Spot = null;
  const pointing = new Set<() => void>();
  const pointer: Pointer = {
    get: () => spot,
    subscribe: (l) => {
      pointing.add(l);
      return () => pointing.delete(l);
    },
    point: (next) => {
      spot = next;
      for (const l of pointing) l();
    },
  };
  const no = () => Promise.reject(new Error('not part of this test'));
  const wire: Wire = {
    up: () => true,
    tab: () => 'mine',
    watch: no,
    command: no,
    watchRuns: no,
    look: (_runId, l) => void sent.push(l),
    unwatch: () => {},
    unwatchRuns: () => {},
    watchQuestions: () => () => {},
    listen: (l) => {
      listeners.add(l);
      return () => listeners.delete(l);
    },
  };
  const cursor = createCursor();
  cursor.head(20);
  const host = {
    after: (ms: number, f: () => void) => {
      waits.push(ms);
      timers.push(f);
      return () => void timers.splice(timers.indexOf(f), 1);
    },
  };
  const center = createStore({ open: ['curves'] });
  const panels: Panels = {
    get: () => center.get().open,
    subscribe: center.subscribe,
    open: (id) => center.set({ open: [id] }),
  };
  const hear = (shared: readonly [Look, tab: string][], sharing: number) => {
    const looks = [{ tab: 'mine', actor: bob, look: look() }, ...shared.map(([l, tab]) => ({ tab, actor: bob, look: l }))];
    for (const listener of listeners) listener.looks?.(runId, looks, sharing);
  };
  const presence = createPresence(runId, wire, cursor, pointer, panels, host, sharing);
  return {
    presence,
    cursor,
    pointer,
    panels,
    sent,
    timers,
    waits,
    /** What waits is told. */
    pass: () => {
      for (const f of timers.splice(0)) f();
    },
    hear: (l: Look | null, tab = 'bobs', sharing = 2) => hear(l ? [[l, tab]] : [], sharing),
    hearAll: (shared: readonly [Look, tab: string][]) => hear(shared, 1 + shared.length),
    notify: (f: (l: WireListener) => void) => [...listeners].forEach(f),
  };
}

it('nothing is told by somebody who does not share, and stopping to share is told', () => {
  const h = hand(false);
  h.pass();
  h.cursor.pin(3);
  h.pass();
  expect(h.sent).toEqual([]);
  h.presence.share(true);
  h.pass();
  h.presence.share(false);
  h.pass();
  expect(h.sent).toEqual([look({ step: 3 }), null]);
});

it('many moves are told as one, the last; a run that goes on under a live cursor is no news', () => {
  const h = hand(true);
  h.pass();
  for (const step of [1, 2, 0]) h.cursor.pin(step);
  expect(h.timers).toHaveLength(1);
  h.pass();
  h.cursor.follow();
  h.pass();
  h.cursor.head(21);
  h.pass();
  expect(h.sent).toEqual([look({ live: true, step: 20 }), look({ step: 0 }), look({ live: true, step: 20 })]);
});

it('in a crowd, where only leaders are shown, the others tell rarely; a choice is told at once', () => {
  const h = hand(true);
  h.pass();
  h.hear(null, 'bobs', 51);
  h.cursor.pin(1);
  h.presence.lead(true);
  h.pass();
  h.cursor.pin(2);
  h.pass();
  expect(h.waits).toEqual([100, 5_000, 100, 100]);
  expect(h.sent.slice(1)).toEqual([look({ step: 1, leads: true }), look({ step: 2, leads: true })]);
});

it('after a reconnection the look is told again', () => {
  const h = hand(true);
  h.pass();
  h.notify((l) => l.up?.());
  h.pass();
  expect(h.sent).toHaveLength(2);
});

it('who follows sees what the other sees, head and zoom included, until the cursor is moved by hand', () => {
  const h = hand(true);
  h.hear(look());
  expect(h.presence.get().others.map((l) => l.tab)).toEqual(['bobs']);
  h.presence.follow('bobs');
  expect(h.cursor.get()).toMatchObject({ mode: 'pinned', step: 5 });
  const spot = { layer: 0, head: 1, query: null, key: null };
  h.hear(look({ step: 0, zoom: [0, 10], spot }));
  expect(h.cursor.get()).toMatchObject({ mode: 'pinned', step: 0, zoom: [0, 10] });
  expect(h.pointer.get()).toEqual(spot);
  h.hear(look({ live: true, step: 20 }));
  h.cursor.head(25);
  expect(h.presence.get().following).toBe('bobs');
  expect(h.cursor.get()).toMatchObject({ mode: 'live', step: 25, zoom: null });
  h.cursor.pin(7);
  expect(h.presence.get().following).toBeNull();
  h.hear(look({ step: 1 }));
  expect(h.cursor.get().step).toBe(7);
});

it('a panel that the followed person opens is opened; one that the follower opens meanwhile stays', () => {
  const h = hand(true);
  h.hear(look({ shows: ['attention'] }));
  expect(h.panels.get()).toEqual(['curves']);
  h.presence.follow('bobs');
  expect(h.panels.get()).toEqual(['attention']);
  h.panels.open('samples');
  h.hear(look({ step: 6, shows: ['attention'] }));
  expect(h.panels.get()).toEqual(['samples']);
  h.hear(look({ step: 6, shows: ['curves'] }));
  expect(h.panels.get()).toEqual(['curves']);
  expect(h.presence.get().following).toBe('bobs');
  h.pass();
  expect(h.sent.at(-1)?.shows).toEqual(['curves']);
});

it('whoever is followed and goes leaves the follower where they were; once they are back, in another tab, following goes on', () => {
  const h = hand(true);
  h.hear(look());
  h.presence.follow('bobs');
  h.hear(null);
  expect(h.presence.get()).toMatchObject({ others: [], following: 'bobs', leader: bob });
  expect(h.cursor.get()).toMatchObject({ mode: 'pinned', step: 5 });
  h.hear(look({ step: 9 }), 'bobs-again');
  expect(h.presence.get()).toMatchObject({ following: 'bobs-again', leader: bob });
  expect(h.cursor.get()).toMatchObject({ mode: 'pinned', step: 9 });
  // Also when the server notices late that the old tab is gone.
  h.hearAll([
    [look({ step: 9 }), 'bobs-again'],
    [look({ step: 2 }), 'bobs-third'],
  ]);
  expect(h.cursor.get().step).toBe(9);
  h.hear(look({ step: 2 }), 'bobs-third');
  expect(h.cursor.get().step).toBe(2);
});

it('another tab of the followed person, which was open before, is not the one that comes back', () => {
  const h = hand(true);
  h.hearAll([
    [look({ step: 3 }), 'bobs-other'],
    [look(), 'bobs'],
  ]);
  h.presence.follow('bobs');
  h.hear(look({ step: 3 }), 'bobs-other');
  expect(followedLook(h.presence.get())).toBeNull();
  expect(h.cursor.get().step).toBe(5);
  h.hear(look({ step: 8 }), 'bobs');
  expect(followedLook(h.presence.get())).not.toBeNull();
  expect(h.cursor.get().step).toBe(8);
});

it('who is away is waited for, ten minutes or until the follower stops or moves', () => {
  const goes = () => {
    const h = hand(true);
    h.hear(look());
    h.presence.follow('bobs');
    h.pass();
    h.hear(null);
    return h;
  };
  const h = goes();
  expect(h.waits.at(-1)).toBe(600_000);
  h.pass();
  expect(h.presence.get()).toMatchObject({ following: null, leader: bob });
  h.hear(look({ step: 9 }), 'bobs-again');
  expect(h.cursor.get().step).toBe(5);
  h.cursor.pin(7);
  expect(h.presence.get().leader).toBeNull();
  for (const ends of [(g: typeof h) => g.cursor.pin(7), (g: typeof h) => g.presence.follow(null)]) {
    const g = goes();
    ends(g);
    expect(g.presence.get()).toMatchObject({ following: null, leader: null });
    g.hear(look({ step: 9 }), 'bobs-again');
    expect(g.cursor.get().step).not.toBe(9);
  }
});

it('leading shares, and ends following: two who lead each other would go round in circles', () => {
  const h = hand(false);
  h.hear(look());
  h.presence.follow('bobs');
  h.presence.lead(true);
  h.pass();
  expect(h.presence.get()).toMatchObject({ sharing: true, leading: true, following: null });
  expect(h.sent.at(-1)).toEqual(look({ leads: true }));
  h.presence.follow('bobs');
  expect(h.presence.get().leading).toBe(false);
});
