import { describe, expect, it } from 'vitest';
import { createRunStore, type Host } from '~/app/_live/runStore';
import type { Wire, WireListener } from '~/app/_live/wire';
import type { Command, CommandAnswer } from '~/shared/commands';
import type { Entry, RunEvent } from '~/shared/events';
import { fold } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import { pack } from '~/shared/pack';
import { seqCount } from '~/shared/rows';
import type { RunView } from '~/shared/view';
import type { Frame, WatchAnswer, WatchRequest } from '~/shared/viewerProtocol';
import { nobodyWatches } from '~/shared/watching';
import { publishedSetup } from '~/test/support/setups';
import { foldAll } from '~/test/support/views';

const runId = 'run00001';
const you: Actor = { id: 'ann', name: 'Ann', role: 'admin' };

/** A log of run.created, started, then one-step rows whose loss is their step. */
function logOf(rows: number): Entry[] {
  const entries: Entry[] = [];
  let seq = 1;
  const add = (event: RunEvent) => {
    entries.push({ seq, attempt: 1, at: 1_000 + seq, event });
    seq += seqCount(event);
  };
  add({ type: 'run.created', setup: publishedSetup('reverse'), actor: you, parent: null });
  add({
    type: 'started',
    step: 0,
    device: { backend: 'wasm', device: 'cpu' },
    streams: [{ stream: 'steps', columns: [{ name: 'loss', role: 'loss' }] }],
    controls: { values: [], actions: [] },
    values: {},
    lengths: { stepsPerEpoch: 10, totalSteps: 100 },
  });
  for (let s = 0; s < rows; s++)
    add({ type: 'rows', stream: 'steps', steps: { first: s, count: 1 }, values: new Float64Array([s]) });
  return entries;
}

const frameOf = (entries: Entry[], more: Partial<Frame> = {}): Frame => ({
  runId,
  attempt: 1,
  from: entries[0]!.seq,
  to: entries.at(-1)!.seq + seqCount(entries.at(-1)!.event) - 1,
  entries,
  skippedSteps: null,
  caughtUp: null,
  ...more,
});

/** A wire whose every answer is given by hand. */
function handWire() {
  const listeners = new Set<WireListener>();
  const watches: { request: WatchRequest; answer(a: WatchAnswer): Promise<void>; fail(): Promise<void> }[] = [];
  const commands: { command: Command; answer(a: CommandAnswer): Promise<void>; fail(): Promise<void> }[] = [];
  const timers: { ms: number; f: () => void }[] = [];
  let up = false;
  const settle = () => new Promise<void>((r) => setImmediate(r));
  const wire: Wire = {
    up: () => up,
    watch: (request) =>
      new Promise((resolve, reject) =>
        watches.push({
          request,
          answer: (a) => {
            resolve(a);
            return settle();
          },
          fail: () => {
            reject(new Error('timed out'));
            return settle();
          },
        }),
      ),
    command: (command) =>
      new Promise((resolve, reject) =>
        commands.push({
          command,
          answer: (a) => {
            resolve(a);
            return settle();
          },
          fail: () => {
            reject(new Error('timed out'));
            return settle();
          },
        }),
      ),
    watchRuns: () => Promise.reject(new Error('not part of this test')),
    look: () => {},
    tab: () => null,
    unwatch: () => {},
    unwatchRuns: () => {},
    watchQuestions: () => () => {},
    listen: (l) => {
      listeners.add(l);
      return () => listeners.delete(l);
    },
  };
  let ids = 0;
  const drawings: (() => void)[] = [];
  const host: Host = {
    soon: (f) => void drawings.push(f),
    after: (ms, f) => {
      const timer = { ms, f };
      timers.push(timer);
      return () => {
        const i = timers.indexOf(timer);
        if (i >= 0) timers.splice(i, 1);
      };
    },
    newId: () => `command-${++ids}`,
    random: () => 0,
  };
  return {
    wire,
    host,
    watches,
    commands,
    timers,
    drawings,
    settle,
    draw: () => {
      for (const f of drawings.splice(0)) f();
    },
    connect: () => {
      up = true;
      for (const l of [...listeners]) l.up?.();
    },
    drop: (refused: string | null = null, rests = false) => {
      up = false;
      for (const l of [...listeners]) l.down?.(refused, rests);
    },
    frame: (f: Frame) => {
      for (const l of [...listeners]) l.frame?.(f);
    },
    silent: (ms: number) => {
      for (const l of [...listeners]) l.silent?.(ms);
    },
    tick: () => timers.shift()!.f(),
  };
}

async function opened(rows: number) {
  const hand = handWire();
  const store = createRunStore(runId, hand.wire, hand.host);
  const heard: (Entry | { reset: number } | { skipped: [number, number] })[] = [];
  store.onEntries({
    entries: (entries, skipped) => {
      heard.push(...entries);
      if (skipped) heard.push({ skipped });
    },
    reset: (view) => heard.push({ reset: view.seq }),
  });
  hand.connect();
  const log = logOf(rows);
  await hand.watches[0]!.answer({ ok: true, view: pack(foldAll(runId, log.slice(0, 3))), you });
  return { hand, store, heard, log };
}

describe('run store', () => {
  it('the first watch has no cursor, and its view is what the store shows', async () => {
    const { hand, store, log } = await opened(1);
    expect(hand.watches[0]!.request).toEqual({ runId, cursor: null });
    expect(store.get()).toEqual({ link: 'live', error: null, view: foldAll(runId, log), watchers: nobodyWatches, you });
  });

  it('a view that the page asked for early is shown at once, and the connection continues from it', async () => {
    const hand = handWire();
    const log = logOf(6);
    const view = foldAll(runId, log.slice(0, 3));
    const store = createRunStore(runId, hand.wire, hand.host, Promise.resolve({ view, you }));
    hand.connect();
    await hand.settle();
    expect(store.get()).toMatchObject({ link: 'connecting', view, you });
    expect(hand.watches.map((w) => w.request)).toEqual([{ runId, cursor: { attempt: 0, seq: 3 } }]);
    await hand.watches[0]!.answer({ ok: true, view: null, you });
    hand.frame(frameOf(log.slice(3)));
    expect(store.get()).toMatchObject({ link: 'live', view: foldAll(runId, log) });
  });

  it('without an early view, the first watch has no cursor', async () => {
    const hand = handWire();
    createRunStore(runId, hand.wire, hand.host, Promise.resolve(null));
    hand.connect();
    await hand.settle();
    expect(hand.watches.map((w) => w.request)).toEqual([{ runId, cursor: null }]);
  });

  it('frames in order give the folded log, each entry once', async () => {
    const { hand, store, heard, log } = await opened(6);
    hand.frame(frameOf(log.slice(3, 5)));
    hand.frame(frameOf(log.slice(5)));
    expect(store.get().view).toEqual(foldAll(runId, log));
    expect(heard).toEqual([{ reset: 3 }, ...log.slice(3)]);
  });

  it('a frame that is not new changes nothing; one that overlaps adds only what is new', async () => {
    const { hand, store, heard, log } = await opened(6);
    hand.frame(frameOf(log.slice(3, 5)));
    hand.frame(frameOf(log.slice(3, 5)));
    hand.frame(frameOf(log.slice(3, 7)));
    expect(store.get().view).toEqual(foldAll(runId, log.slice(0, 7)));
    expect(heard).toEqual([{ reset: 3 }, ...log.slice(3, 7)]);
  });

  it('a frame after a gap is not folded: the store watches again from its own place', async () => {
    const { hand, store, log } = await opened(6);
    hand.frame(frameOf(log.slice(4)));
    expect(store.get().view?.seq).toBe(3);
    expect(hand.watches[1]!.request).toEqual({ runId, cursor: { attempt: 0, seq: 3 } });
    await hand.watches[1]!.answer({ ok: true, view: null, you });
    hand.frame(frameOf(log.slice(3)));
    expect(store.get().view).toEqual(foldAll(runId, log));
  });

  it('a second gap in a row waits, a third time the store asks for a whole view', async () => {
    const { hand, store, log } = await opened(6);
    hand.frame(frameOf(log.slice(4)));
    await hand.watches[1]!.answer({ ok: true, view: null, you });
    hand.frame(frameOf(log.slice(4)));
    expect(hand.watches).toHaveLength(2);
    expect(hand.timers.map((t) => t.ms)).toEqual([200]);
    hand.tick();
    expect(hand.watches[2]!.request).toEqual({ runId, cursor: null });
    await hand.watches[2]!.answer({ ok: true, view: pack(foldAll(runId, log)), you });
    expect(store.get().view).toEqual(foldAll(runId, log));
  });

  it('a tab that rests says so, not that the connection broke, and goes on after its cursor', async () => {
    const { hand, store, log } = await opened(10);
    hand.drop(null, true);
    expect(store.get()).toMatchObject({ link: 'resting', view: { seq: 3 } });
    hand.connect();
    expect(hand.watches[1]!.request).toEqual({ runId, cursor: { attempt: 0, seq: 3 } });
    await hand.watches[1]!.answer({ ok: true, view: null, you });
    hand.frame(frameOf(log.slice(3)));
    expect(store.get()).toMatchObject({ link: 'live', view: foldAll(runId, log) });
  });

  it('a viewer that reconnects at seq 7 receives 8 onward, once', async () => {
    const { hand, store, heard, log } = await opened(10);
    hand.frame(frameOf(log.slice(3, 7)));
    expect(store.get().view?.seq).toBe(7);
    hand.drop();
    expect(store.get().link).toBe('reconnecting');
    hand.connect();
    expect(hand.watches[1]!.request).toEqual({ runId, cursor: { attempt: 0, seq: 7 } });
    // A frame still on its way from before the break is not folded.
    hand.frame(frameOf(log.slice(7, 9)));
    await hand.watches[1]!.answer({ ok: true, view: null, you });
    hand.frame(frameOf(log.slice(7)));
    expect(store.get()).toMatchObject({ link: 'live', view: foldAll(runId, log) });
    expect(heard).toEqual([{ reset: 3 }, ...log.slice(3)]);
  });

  it('an answer to a watch from before the break is ignored', async () => {
    const { hand, store, log } = await opened(3);
    hand.drop();
    hand.connect();
    hand.drop();
    hand.connect();
    await hand.watches[1]!.answer({ ok: true, view: pack(foldAll(runId, log.slice(0, 2))), you });
    expect(store.get().view?.seq).toBe(3);
    await hand.watches[2]!.answer({ ok: true, view: pack(foldAll(runId, log)), you });
    expect(store.get().view).toEqual(foldAll(runId, log));
  });

  it('rows that a slow viewer missed are stepped over and named; other entries among them are folded', async () => {
    const { hand, store, heard, log } = await opened(8);
    const alert: Entry = {
      seq: 7,
      attempt: 1,
      at: 2_000,
      event: { type: 'alert', step: 4, level: 'warning', kind: 'spike', message: 'loss' },
    };
    // Places 4..6 and 8..10 are rows that were left out, 11 is the newest row.
    const last: Entry = { ...log[9]!, seq: 11 };
    const whole = foldAll(runId, log.slice(0, 3));
    const expected: RunView = fold({ ...fold({ ...whole, seq: 6 }, alert), seq: 10 }, last);
    const { streams } = expected;
    hand.frame(frameOf([alert, last], { from: 4, to: 11, skippedSteps: [1, 6], caughtUp: { step: 8, streams } }));
    expect(store.get().view).toEqual({ ...expected, seq: 11, step: 8, streams });
    expect(heard).toEqual([{ reset: 3 }, alert, last, { skipped: [1, 6] }]);
  });

  it('a run that does not exist is an error in words, and frames of other runs are not ours', async () => {
    const hand = handWire();
    const store = createRunStore(runId, hand.wire, hand.host);
    hand.connect();
    await hand.watches[0]!.answer({
      ok: false,
      reason: 'unknown-run',
      message: 'runId: there is no run run00001',
      field: 'runId',
    });
    expect(store.get()).toMatchObject({ link: 'refused', error: 'there is no run run00001', view: null });
    const { hand: other, store: ours, log } = await opened(6);
    other.frame({ ...frameOf(log.slice(3)), runId: 'someother' });
    expect(ours.get().view?.seq).toBe(3);
    // Of a run that was there a moment ago, the page says what happened to it.
    other.drop();
    other.connect();
    await other.watches.at(-1)!.answer({ ok: false, reason: 'unknown-run', message: 'runId: there is no run r', field: 'runId' });
    expect(ours.get()).toMatchObject({ link: 'refused', error: 'the run was deleted for good', view: { seq: 3 } });
  });

  it('watch is asked again when the server does not answer or is busy, ever later', async () => {
    const hand = handWire();
    createRunStore(runId, hand.wire, hand.host);
    hand.connect();
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) {
      if (i % 2) await hand.watches[i]!.fail();
      else await hand.watches[i]!.answer({ ok: false, reason: 'busy', message: 'later', field: null });
      waits.push(hand.timers[0]!.ms);
      hand.tick();
    }
    // Half of 200, 400, ..., 5000 at most: the other half is random, here 0.
    expect(waits).toEqual([100, 200, 400, 800, 1_600, 2_500]);
  });

  it('a command is sent again with the same id until it is answered', async () => {
    const { hand, store } = await opened(1);
    const answer = store.send({ kind: 'set', control: 'clipNorm', value: 1, expected: 5 });
    await hand.settle();
    await hand.commands[0]!.fail();
    hand.tick();
    await hand.settle();
    hand.drop();
    await hand.commands[1]!.fail();
    hand.connect();
    await hand.settle();
    await hand.commands[2]!.answer({ ok: true, seq: 9 });
    expect(await answer).toEqual({ ok: true, seq: 9 });
    const sent = { kind: 'set', id: 'command-1', runId, control: 'clipNorm', value: 1, expected: 5 };
    expect(hand.commands.map((c) => c.command)).toEqual([sent, sent, sent]);
  });

  it('listeners are told once per drawing, however many frames came', async () => {
    const { hand, store, log } = await opened(6);
    hand.draw();
    let calls = 0;
    store.subscribe(() => calls++);
    hand.frame(frameOf(log.slice(3, 4)));
    hand.frame(frameOf(log.slice(4, 5)));
    expect(calls).toBe(0);
    hand.draw();
    expect(calls).toBe(1);
    expect(hand.drawings).toHaveLength(0);
  });

  it('a closed store asks and folds nothing more, and its open commands are answered', async () => {
    const { hand, store, log } = await opened(6);
    const answer = store.send({ kind: 'act', action: 'pause', args: {} });
    await hand.settle();
    store.close();
    await hand.commands[0]!.fail();
    hand.tick();
    expect(await answer).toEqual({
      ok: false,
      reason: 'failed',
      message: 'the page was closed before the server answered',
      field: null,
    });
    hand.frame(frameOf(log.slice(3)));
    expect(store.get().view?.seq).toBe(3);
  });
});

describe('a connection that carries nothing', () => {
  it('is not shown as live, and is again once something comes', async () => {
    const { hand, store } = await opened(3);
    hand.silent(3001);
    expect(store.get().link).toBe('silent');
    hand.silent(0);
    expect(store.get().link).toBe('live');
    hand.drop();
    hand.silent(3001);
    expect(store.get().link).toBe('reconnecting');
  });
});
