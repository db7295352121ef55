import { describe, expect, it } from 'vitest';
import { inOrder, moveInQueue, type Waiting } from '~/server/dispatch/queue';
import { openHub } from '~/server/runs/openHub';
import type { Actor } from '~/shared/ids';
import { fakeClock } from '~/test/support/fakeClock';
import { inbox } from '~/test/support/inbox';
import { openMemoryStore } from '~/test/support/memoryStore';
import { publishedSetup } from '~/test/support/setups';
import { registrationOf } from '~/test/support/trainerClient';

const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };
const now = 10_000;
const queue = (...positions: number[]): Waiting[] => positions.map((position, i) => ({ runId: `run00${i}`, position }));
/** The order after the move. */
const moved = (before: Waiting[], runId: string, to: string | null): string[] => {
  const answer = moveInQueue(before, runId, to, now);
  if (!answer.ok) throw new Error(answer.message);
  const positions = new Map(answer.moved.map((w) => [w.runId, w.position]));
  return before
    .map((w) => ({ ...w, position: positions.get(w.runId) ?? w.position }))
    .sort(inOrder)
    .map((w) => w.runId);
};

describe('moving in the queue', () => {
  const three = queue(1000, 2000, 3000);

  it('puts a run first, between two others, or last, with one entry', () => {
    expect(moved(three, 'run002', 'run000')).toEqual(['run002', 'run000', 'run001']);
    expect(moved(three, 'run000', 'run002')).toEqual(['run001', 'run000', 'run002']);
    expect(moved(three, 'run000', null)).toEqual(['run001', 'run002', 'run000']);
    expect(moveInQueue(three, 'run000', 'run002', now)).toEqual({ ok: true, moved: [{ runId: 'run000', position: 2500 }] });
  });

  it('gives the last place a position after the last run, now or later, and the first one a second before the first', () => {
    const place = (positions: number[], run: string, before: string | null) => {
      const answer = moveInQueue(queue(...positions), run, before, now);
      return answer.ok && answer.moved;
    };
    expect(place([1000, 2000], 'run000', null)).toEqual([{ runId: 'run000', position: now }]);
    expect(place([1000, now + 5], 'run000', null)).toEqual([{ runId: 'run000', position: now + 6 }]);
    expect(place([1000, 2000], 'run001', 'run000')).toEqual([{ runId: 'run001', position: 0 }]);
  });

  it('between two equal positions gives every run a new one, a second apart and before now', () => {
    expect(moveInQueue(queue(1000, 1000, 3000), 'run002', 'run001', now)).toEqual({
      ok: true,
      moved: [
        { runId: 'run000', position: now - 3000 },
        { runId: 'run002', position: now - 2000 },
        { runId: 'run001', position: now - 1000 },
      ],
    });
  });

  it('does the same where no number lies between two positions', () => {
    const e = Number.EPSILON;
    for (const [low, high] of [
      [1, 1 + e],
      [1 + e, 1 + 2 * e],
    ] as const) {
      const answer = moveInQueue(queue(low, high, 3000), 'run002', 'run001', now);
      expect(answer.ok && answer.moved.map((w) => w.runId)).toEqual(['run000', 'run002', 'run001']);
    }
  });

  it('where it stands already changes nothing', () => {
    for (const [run, before] of [
      ['run001', 'run001'],
      ['run001', 'run002'],
      ['run002', null],
    ] as const)
      expect(moveInQueue(three, run, before, now)).toEqual({ ok: true, moved: [] });
  });

  it('a hundred moves into one gap keep the order, and all stay ahead of what is created later', () => {
    let runs = queue(1000, 1001, 1002);
    for (let i = 0; i < 100; i++) {
      const last = runs.at(-1)!.runId;
      const expected = [runs[0]!.runId, last, ...runs.slice(1, -1).map((w) => w.runId)];
      const answer = moveInQueue(runs, last, runs[1]!.runId, now);
      if (!answer.ok) throw new Error(answer.message);
      const positions = new Map(answer.moved.map((w) => [w.runId, w.position]));
      runs = runs.map((w) => ({ ...w, position: positions.get(w.runId) ?? w.position })).sort(inOrder);
      expect(runs.map((w) => w.runId)).toEqual(expected);
      expect(runs.every((w) => w.position < now)).toBe(true);
    }
  });

  it('a run that does not wait is refused with the field', () => {
    expect(moveInQueue(three, 'run009', null, now)).toEqual({
      ok: false,
      reason: 'state',
      message: 'runId: run run009 does not wait for a trainer',
      field: 'runId',
    });
    expect(moveInQueue(three, 'run000', 'run009', now)).toEqual({
      ok: false,
      reason: 'state',
      message: 'before: run run009 does not wait for a trainer',
      field: 'before',
    });
  });
});

it('the trainer takes them as people ordered them, also after a restart', async () => {
  const store = openMemoryStore();
  const clock = fakeClock();
  const open = () => openHub({ store, clock, hasBlob: async () => true, onError: (e) => expect(e).toBe(null) });
  let hub = await open();
  const created: string[] = [];
  for (const seed of [1, 2, 3]) {
    created.push((await hub.create(ada, publishedSetup('reverse', { seed }))).runId);
    clock.advance(10);
  }
  const [first, second, third] = created as [string, string, string];
  expect(await hub.moveInQueue(ada, third, first)).toEqual({ ok: true });
  expect(await hub.moveInQueue(ada, first, null)).toEqual({ ok: true });
  expect(await hub.moveInQueue(ada, 'nothere', null)).toMatchObject({ ok: false, reason: 'unknown-run', field: 'runId' });
  const order = () => [...hub.summaries()].sort((a, b) => a.queuePosition! - b.queuePosition!).map((r) => r.runId);
  expect(order()).toEqual([third, second, first]);
  await hub.close();
  hub = await open();
  expect(order()).toEqual([third, second, first]);

  const received = inbox<{ assign: string }>(2000);
  const taken: string[] = [];
  const registration = registrationOf();
  const port = {
    assign: (a: { runId: string }) => received.put('assign', a.runId),
    command() {},
    release() {},
    ask() {},
    forget() {},
    close() {},
  };
  await hub.registry.register(registration, port);
  for (let i = 0; i < 3; i++) {
    await hub.registry.ready(registration.trainerId, port);
    const runId = await received.next('assign');
    taken.push(runId);
    const stop = { kind: 'act', id: `stop-run-${i}`, runId, action: 'stop', args: {} } as const;
    const { attempt } = (await hub.view(runId))!;
    const answer = await hub.command(ada, stop);
    if (!answer.ok) throw new Error(answer.message);
    await hub.registry.events(registration.trainerId, port, {
      runId,
      attempt,
      from: 0,
      events: [{ type: 'status', status: 'stopped', step: 0, message: '' }],
    });
  }
  expect(taken).toEqual([third, second, first]);
  expect(await hub.moveInQueue(ada, first, second)).toMatchObject({ ok: false, reason: 'state', field: 'runId' });
  await hub.close();
});
