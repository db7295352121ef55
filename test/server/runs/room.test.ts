import { beforeEach, describe, expect, it } from 'vitest';
import { RunLog } from '~/server/runs/log';
import type { RunEvent, TrainerEvent } from '~/shared/events';
import { firstStepOf, rowCount } from '~/shared/rows';
import type { Rows } from '~/shared/series';
import {
  act,
  ada,
  alert,
  applied,
  batch,
  begin,
  blobs,
  checkpoint,
  clock,
  freshRoom,
  gpu,
  inLog,
  kept,
  publish,
  published,
  room,
  runId,
  set,
  setup,
  store,
  values,
} from '~/test/support/ownRoom';
import { withConfig } from '~/test/support/setups';
import { snapshot, steps } from '~/test/support/synthetic';
import { foldAll } from '~/test/support/views';

beforeEach(freshRoom);

describe('a run whose loss is NaN', () => {
  it('is not resumed as it is; once it is back at a checkpoint it is', async () => {
    await begin();
    const rows = steps(0, 3, values) as Extract<TrainerEvent, { type: 'rows' }>;
    const width = rows.values.length / 3;
    const bad = Float64Array.from(rows.values, (v, i) => (i === 2 * width ? Number.NaN : v));
    await batch(1, 2, checkpoint(0, 'a'.repeat(64), 0), { ...rows, values: bad });
    await batch(1, 6, { type: 'status', status: 'paused', step: 3, message: 'loss is NaN' });
    expect(await room.command(ada, act('resume-00', 'resume'))).toEqual({
      ok: false,
      reason: 'state',
      message:
        'the loss is NaN at step 2: going on would not help; take the run back to a checkpoint before that, or branch from one',
      field: null,
    });
    expect(await room.command(ada, act('revert-00', 'revert', { checkpoint: 'a'.repeat(64) }))).toMatchObject({ ok: true });
    await room.assign(gpu);
    expect(await room.command(ada, act('resume-01', 'resume'))).toMatchObject({ ok: true });
  });
});

describe('events of a trainer', () => {
  it('are in the store before anybody sees them, and what is seen is the fold of the log', async () => {
    await begin();
    await batch(1, 2, steps(0, 3, values));
    const stored = await inLog();
    expect(published).toEqual(stored);
    expect(foldAll(runId, stored)).toEqual(room.view);
    expect(stored.map((e) => [e.seq, e.event.type])).toEqual([
      [1, 'run.created'],
      [2, 'run.assigned'],
      [3, 'started'],
      [4, 'status'],
      [5, 'rows'],
    ]);
    expect(room.view.seq).toBe(7);
  });

  it('nobody sees what the store did not take; sent again it is there once', async () => {
    await begin();
    const seen = published.length;
    const append = store.append;
    store.append = async () => {
      throw new Error('disk full');
    };
    await expect(batch(1, 2, steps(0, 2, values))).rejects.toThrow('disk full');
    expect(published.length).toBe(seen);
    store.append = append;
    expect(await batch(1, 2, steps(0, 2, values))).toEqual({ ok: true, nextEvent: 4 });
    expect(room.view.step).toBe(2);
  });

  it('a command whose write failed and took effect is answered with its seq; one whose write failed is in nobody\u2019s log', async () => {
    await begin();
    const { append } = store;
    store.append = async (write) => {
      await append(write);
      throw new Error('connection lost');
    };
    expect(await room.command(ada, set('command-1', 'clipThreshold', 1))).toEqual({ ok: true, seq: 5 });
    store.append = async () => {
      throw new Error('disk full');
    };
    await expect(room.command(ada, set('command-2', 'clipThreshold', 2))).rejects.toThrow('disk full');
    store.append = append;
    expect(room.view.openCommands.map((c) => c.command.id)).toEqual(['command-1']);
    expect(published.map((e) => e.seq)).toEqual([1, 2, 3, 4, 5]);
  });

  it('a decision whose write failed and took effect is published at once, not with the next change', async () => {
    await begin();
    const { append } = store;
    store.append = async (write) => {
      await append(write);
      throw new Error('connection lost');
    };
    await expect(room.decide(() => [{ type: 'run.labelled', actor: ada, archived: true }])).rejects.toThrow('connection lost');
    expect(published.at(-1)).toMatchObject({ seq: 5, event: { type: 'run.labelled', archived: true } });
    expect(room.view.archived).toBe(true);
  });

  it('a new run whose write failed and took effect is there', async () => {
    const { append } = store;
    store.append = async (write) => {
      await append(write);
      throw new Error('connection lost');
    };
    const created: RunEvent = { type: 'run.created', setup, actor: ada, parent: null };
    const log = await RunLog.create({ store, clock }, 'run0000002', created, publish);
    expect(log.view).toMatchObject({ runId: 'run0000002', seq: 1, status: 'queued' });
    store.append = async () => {
      throw new Error('disk full');
    };
    await expect(RunLog.create({ store, clock }, 'run0000003', created, publish)).rejects.toThrow('disk full');
  });

  it('a write whose outcome is unknown is looked up: sent again it is there once, and everybody sees it', async () => {
    await begin();
    const append = store.append;
    store.append = async (write) => {
      await append(write);
      throw new Error('connection lost');
    };
    await expect(batch(1, 2, steps(0, 2, values))).rejects.toThrow('connection lost');
    store.append = append;
    expect(await batch(1, 2, steps(0, 2, values), steps(2, 1, values))).toEqual({ ok: true, nextEvent: 5 });
    expect(published).toEqual(await inLog());
    expect(room.view.step).toBe(3);
  });

  it('sent again are committed once; an overlap adds only its new rows', async () => {
    await begin();
    // Numbers 2, 3, 4 are rows 0, 1, 2.
    expect(await batch(1, 2, steps(0, 3, values))).toEqual({ ok: true, nextEvent: 5 });
    expect(await batch(1, 2, steps(0, 3, values))).toEqual({ ok: true, nextEvent: 5 });
    expect(await batch(1, 3, steps(1, 4, values))).toEqual({ ok: true, nextEvent: 7 });
    const rows = (await inLog()).flatMap((e) =>
      e.event.type === 'rows' ? [[e.seq, firstStepOf(e.event), rowCount(e.event)]] : [],
    );
    expect(rows).toEqual([
      [5, 0, 3],
      [8, 3, 2],
    ]);
  });

  it('a gap is answered with the number that is missing', async () => {
    await begin();
    expect(await batch(1, 5, steps(0, 1, values))).toEqual({
      ok: false,
      reason: 'gap',
      nextEvent: 2,
      message: 'event 2 is next, the batch begins at 5',
    });
  });

  it('an earlier attempt is fenced off', async () => {
    await begin();
    await room.assign({ ...gpu, id: 'trainer-2' });
    expect(await batch(1, 2, steps(0, 1, values))).toEqual({
      ok: false,
      reason: 'fenced',
      message: `attempt 1 of run ${runId} is over, it is at attempt 2`,
    });
  });

  it.each<[string, TrainerEvent, string]>([
    [
      'rows that do not fit the series',
      { ...steps(0, 2, values), values: new Float64Array(3) } as TrainerEvent,
      'values: 3 numbers are not 2 rows of one length',
    ],
    [
      'rows of a stream that was not declared',
      { ...steps(0, 1, values), stream: 'x' } as TrainerEvent,
      'stream: "x" was not declared',
    ],
    [
      'rows whose steps do not ascend',
      { type: 'rows', stream: 'steps', steps: Float64Array.of(3, 3), values: new Float64Array(18) },
      'steps: row 1: step 3 does not come after step 3',
    ],
    ['an answer to no command', applied('unknown-command', 4, 0, 1, 2), 'commandId: the run has no command unknown-command'],
    [
      'other series than before',
      { type: 'series', stream: 'steps', columns: [{ name: 'x' }] },
      'columns: stream "steps" was declared with loss, accuracy, ',
    ],
    ['a type that there is not', { type: 'nonsense' } as never, 'type: there is no such event; there are started, '],
    ['a field of the wrong type', { ...alert(0), level: 7 } as never, 'level: give "info", "warning" or "error", not 7'],
    [
      'a field that there is not',
      { ...alert(0), color: 'red' } as never,
      'there is no field "color"; known are type, step, level, kind, message, notify, count',
    ],
    [
      'a checkpoint of commands that are not in the log yet',
      { type: 'checkpoint', step: 0, blob: { hash: kept, bytes: 3 }, trigger: 'cadence', commandId: null, lastCommandSeq: 6 },
      'lastCommandSeq: the log ends at 5, got 6',
    ],
    ['what is no event', 17 as never, 'type: an event is an object with a type'],
    ['a crash that a trainer says', { type: 'status', status: 'crashed', step: 0, message: '' }, 'status: only the server says'],
  ])('%s is set aside: it takes its numbers, an alert names event and field, the others are kept', async (_name, event, why) => {
    await begin();
    blobs.add(kept);
    const numbers = (event as { type?: string }).type === 'rows' ? rowCount(event as Rows) : 1;
    const answer = await batch(1, 2, alert(0), event, alert(0));
    expect(answer).toEqual({ ok: true, nextEvent: 4 + numbers });
    // Sent again, it is not told again.
    expect(await batch(1, 2, alert(0), event, alert(0))).toEqual({ ok: true, nextEvent: 4 + numbers });
    const [first, told, last, ...others] = room.view.recent.alerts.items;
    expect([first, last, others]).toEqual([expect.objectContaining(alert(0)), expect.objectContaining(alert(0)), []]);
    const type = typeof event === 'object' ? event.type : 'no type';
    expect(told).toMatchObject({ kind: 'set-aside', level: 'warning', count: 1 });
    expect(told!.message).toContain(`event 3 (${type}): ${why}`);
    expect(published).toEqual(await inLog());
  });

  it.each([
    ['one', [1e300, 2000, 3000], [2000, 2000, 3000], 'the time of step 0'],
    ['two', [1000, Number.NaN, -9e15], [1000, 1000, 1000], 'the time of step 1, the time of step 2'],
    ['every', [1e300, 1e300, 1e300], undefined, 'the time of step 0, the time of step 1, the time of step 2'],
  ])('a wild clock costs %s time, which is named, and no value', async (_name, times, kept, named) => {
    await begin();
    const rows = steps(0, 3, values) as Rows;
    expect(await batch(1, 2, { ...rows, times: Float64Array.from(times) }, alert(0))).toEqual({ ok: true, nextEvent: 6 });
    const [logged] = (await inLog()).filter(({ event }) => event.type === 'rows');
    expect(logged!.event).toEqual({ ...rows, ...(kept && { times: Float64Array.from(kept) }) });
    const wild = times.find((t) => !(Math.abs(t) <= 8.64e15));
    const message = `event 2 (rows): left out: ${named}: times: give ms since 1970, from -8.64e15 to 8.64e15, not ${wild}`;
    expect(room.view.recent.alerts.items[0]).toMatchObject({ kind: 'set-aside', message });
  });

  it('so many are set aside that only the first 20 are told one by one: then their number, at powers of ten and at the end', async () => {
    await begin();
    const bad = (n: number) => Array.from({ length: n }, () => ({ ...alert(0), step: -1.5 }) as never);
    const told = async () =>
      (await room.lists.list('alerts', { limit: 100 })).map((a) => [a.kind, (a as { count?: number }).count]);
    const oneByOne = Array.from({ length: 20 }, (_, i) => ['set-aside', i + 1]);
    expect(await batch(1, 2, ...bad(15))).toEqual({ ok: true, nextEvent: 17 });
    expect(await batch(1, 17, ...bad(30))).toEqual({ ok: true, nextEvent: 47 });
    expect(await told()).toEqual([...oneByOne, ['set-aside', 45]]);
    expect(await batch(1, 47, ...bad(30))).toEqual({ ok: true, nextEvent: 77 });
    expect(await told()).toHaveLength(21);
    expect(await batch(1, 77, ...bad(30))).toEqual({ ok: true, nextEvent: 107 });
    expect((await told()).slice(21)).toEqual([['set-aside', 105]]);
    const end: TrainerEvent = { type: 'status', status: 'finished', step: 0, message: '' };
    expect(await batch(1, 107, ...bad(2), end)).toEqual({ ok: true, nextEvent: 110 });
    expect((await told()).slice(22)).toEqual([['set-aside', 107]]);
    expect(room.view.recent.alerts.items.at(-1)!.message).toMatch(
      /^107 events of this attempt were set aside so far, .* the last: event 108 \(alert\): step: /,
    );
  });

  it('what a program sends after its own end is set aside; after an end by others it is fenced off', async () => {
    await begin();
    const end: TrainerEvent = { type: 'status', status: 'finished', step: 0, message: '' };
    expect(await batch(1, 2, end, steps(0, 2, values))).toEqual({ ok: true, nextEvent: 5 });
    expect(room.view.recent.alerts.items.map((a) => a.message)).toEqual(['event 3 (rows): type: the run has ended (finished)']);
    expect(await batch(1, 5, steps(0, 1, values))).toMatchObject({ ok: false, reason: 'fenced' });
  });

  it('a run that its script opens again keeps the signals of a snapshot at the step where it stands', async () => {
    await begin();
    const { blob, event } = snapshot(0, withConfig(setup, { probeSize: 1 }), 'start');
    blobs.add(blob.hash);
    await batch(1, 2, event);
    const [shot] = (await inLog()).slice(-1);
    expect((await store.signals(runId)).seqs).toEqual(Float64Array.of(shot!.seq));
    await room.reopen(gpu, null);
    expect((await room.lists.list('snapshots', { limit: 10 })).map((s) => s.seq)).toEqual([shot!.seq]);
    expect((await store.signals(runId)).seqs).toEqual(Float64Array.of(shot!.seq));
  });

  it('a snapshot is refused until its blob is stored', async () => {
    await begin();
    const { blob, event } = snapshot(0, withConfig(setup, { probeSize: 1 }), 'start');
    expect(await batch(1, 2, event)).toMatchObject({ ok: false, reason: 'missing-blob' });
    blobs.add(blob.hash);
    expect(await batch(1, 2, event)).toEqual({ ok: true, nextEvent: 3 });
  });

  it('a run that has ended takes no more steps', async () => {
    await begin();
    await batch(1, 2, { type: 'status', status: 'finished', step: 0, message: '' });
    expect(await batch(1, 3, steps(0, 1, values))).toEqual({
      ok: false,
      reason: 'fenced',
      message: `run ${runId} has ended (finished)`,
    });
  });
});

it('a run opened from its saved view and the entries after it is the run', async () => {
  await begin();
  await batch(1, 2, steps(0, 3, values));
  await store.saveView(room.view, {} as never);
  await batch(1, 5, steps(3, 3, values));
  const again = await RunLog.open({ store, clock }, { runId, nextEvent: 8 }, publish);
  expect(again.view).toEqual(room.view);
});
