import { afterEach, describe, expect, it } from 'vitest';
import type { Command } from '~/shared/commands';
import type { Actor } from '~/shared/ids';
import { paths } from '~/shared/protocol';
import { startApp, type TestApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { openMemoryStore } from '~/test/support/memoryStore';
import { publishedSetup } from '~/test/support/setups';
import { blobOf, refOf, runStarted, snapshot, startValues, steps } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';
import { TestViewer } from '~/test/support/viewer';
import { foldAll } from '~/test/support/views';

const setup = publishedSetup('reverse', { probeSize: 1 });
const values = startValues(setup);
const everyRun = {
  search: '',
  show: 'all',
  sort: 'createdAt',
  descending: true,
  group: 'none',
  columns: [],
  folded: [],
} as const;
const you: Actor = { id: 'local', name: 'You', role: 'admin' };

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const o of opened.splice(0).reverse()) await o.close();
});
const keep = <T extends { close(): unknown }>(o: T): T => {
  opened.push(o);
  return o;
};
/** On a store in memory, where the file is not what is tested. */
const app = async (changes: Parameters<typeof startApp>[0] = {}) =>
  keep(await startApp({ ...(changes.dataFolder === undefined && { store: openMemoryStore() }), ...changes }));
const viewer = async (a: TestApp) => keep(await TestViewer.connect(a.url));
const trainer = async (a: TestApp, changes: Parameters<typeof TrainerClient.connect>[1] = {}) =>
  keep(await TrainerClient.connect(a.address, changes));

/** A run that a trainer has begun. */
async function begun(a: TestApp) {
  const { runId } = await a.hub.create(you, setup);
  const t = await trainer(a);
  t.ready();
  await t.assigned();
  await t.send(runStarted(0, values), { type: 'status', status: 'running', step: 0, message: 'go' });
  return { runId, t };
}
const stored = async (a: TestApp, runId: string) =>
  foldAll(runId, await a.hub.store.entries({ runId, fromSeq: 1, limit: 10_000, types: null }));
const clip = (id: string, runId: string, value: number, expected: number): Command => ({
  kind: 'set',
  id,
  runId,
  control: 'clipThreshold',
  value,
  expected,
});

describe('a request', () => {
  it('that is nested too deep is refused with the limit; one level less is read and refused by its field', async () => {
    const a = await app();
    const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    const deep = 'it is nested deeper than the 100 levels that are taken';
    for (const [levels, message] of [
      [20_000, deep],
      [101, deep],
      [100, `give an object, not ${nested(100).slice(0, 60)}...`],
    ] as const) {
      const headers = { 'content-type': 'application/json', origin: a.url };
      const answer = await fetch(`${a.url}${paths.trpc}/runs.create`, { method: 'POST', headers, body: nested(levels) });
      expect([levels, answer.status, await answer.json()]).toMatchObject([levels, 400, { error: { message } }]);
    }
  });
});

describe('watching', () => {
  it('a late joiner gets the whole run once and then what follows; both viewers end equal to the log', async () => {
    const a = await app();
    const { runId, t } = await begun(a);
    const early = await viewer(a);
    await early.watch(runId);
    await t.send(steps(0, 5, values));
    await early.until((v) => v.step === 5);
    const late = await viewer(a);
    const answer = await late.watch(runId);
    expect(answer).toMatchObject({ ok: true, you });
    expect(late.view!.step).toBe(5);
    await t.send(steps(5, 3, values));
    const { blob, event } = snapshot(8, setup, 'cadence');
    expect((await t.put(blob)).status).toBe(201);
    await t.send(event, { type: 'alert', step: 8, level: 'info', kind: 'k', message: 'end' });
    const whole = await stored(a, runId);
    for (const v of [early, late]) expect(await v.until((view) => view.recent.alerts.items.length === 1)).toEqual(whole);
    expect(late.entries.map((e) => e.event.type)).toEqual(['rows', 'snapshot', 'alert']);
  });

  it('everybody sees who watches, in the run and in the list', async () => {
    const a = await app();
    const { runId } = await a.hub.create(you, setup);
    const [one, two] = [await viewer(a), await viewer(a)];
    await one.watch(runId);
    expect((await one.received.next('watchers')).watchers).toEqual({ listed: [{ actor: you, tabs: 1 }], people: 1, tabs: 1 });
    await two.watch(runId);
    expect((await one.received.next('watchers')).watchers).toEqual({ listed: [{ actor: you, tabs: 2 }], people: 1, tabs: 2 });
    two.close();
    expect((await one.received.next('watchers')).watchers).toEqual({ listed: [{ actor: you, tabs: 1 }], people: 1, tabs: 1 });
  });

  it('of the list of runs come the lines that change', async () => {
    const a = await app();
    const { runId } = await a.hub.create(you, setup);
    const v = await viewer(a);
    const list = await v.socket.emitWithAck('watchRuns');
    expect(list).toEqual({ ok: true, you });
    const t = await trainer(a);
    t.ready();
    await t.assigned();
    await t.send(runStarted(0, values), steps(0, 4, values));
    let line = (await v.received.next('runs'))[0]!;
    while (line.step !== 4) line = (await v.received.next('runs'))[0]!;
    expect(line).toMatchObject({ runId, backend: 'cpu', status: 'starting' });
  });

  it('a run that was removed while somebody had its page open does not come back when that page is closed', async () => {
    const a = await app();
    const { runId } = await a.hub.create(you, setup);
    const [watching, following] = [await viewer(a), await viewer(a)];
    await watching.watch(runId);
    await a.hub.command(you, { kind: 'act', id: 'stop-it-now', runId, action: 'stop', args: {} });
    await watching.until((v) => v.status === 'stopped');
    await a.hub.decide(runId, () => [{ type: 'run.labelled', actor: you, trashed: true }]);
    expect(await following.socket.emitWithAck('watchRuns')).toEqual({ ok: true, you });
    expect(await a.hub.remove(runId)).toBe(true);
    // Whoever has it open is told, and hears the same when coming back.
    expect(await watching.received.next('dropped')).toEqual({ runId, message: 'the run was deleted' });
    const back = await viewer(a);
    expect(await back.socket.emitWithAck('watch', { runId, cursor: null, frames: true })).toMatchObject({
      ok: false,
      reason: 'unknown-run',
    });
    let line = (await following.received.next('runs'))[0]!;
    while (!line.gone) line = (await following.received.next('runs'))[0]!;
    watching.close();
    // A run that is made after the page was closed is told of; the removed one is not.
    const { runId: next } = await a.hub.create(you, setup);
    const told = new Set<string>();
    while (!told.has(next)) for (const { runId: id } of await following.received.next('runs')) told.add(id);
    expect([...told]).toEqual([next]);
    expect(a.hub.summaries().map((r) => r.runId)).toEqual([next]);
    expect(a.hub.table.page({ ...everyRun, skip: 0, limit: 10 }).lines).toBe(1);
  });

  it('of a run that does not exist is refused with the field', async () => {
    const v = await viewer(await app());
    expect(await v.watch('nosuchrun1')).toEqual({
      ok: false,
      reason: 'unknown-run',
      message: 'there is no run nosuchrun1',
      field: 'runId',
    });
  });
});

describe('steering', () => {
  it('a change is requested, reaches the trainer, and is seen applied in a second page', async () => {
    const a = await app();
    const { runId, t } = await begun(a);
    const [one, two] = [await viewer(a), await viewer(a)];
    await one.watch(runId);
    await two.watch(runId);
    const command = clip('command-1', runId, 2, 5);
    expect(await one.command(command)).toEqual({ ok: true, seq: 5 });
    expect(await t.received.next('command')).toEqual({ seq: 5, actor: you, command, runId });
    await t.send({ type: 'command.applied', commandId: 'command-1', seq: 5, step: 0, before: 5, after: 2, message: '' });
    const view = await two.until((v) => v.values.clipThreshold?.value === 2);
    expect(view.values.clipThreshold).toEqual({ value: 2, changedBy: you, changedAtStep: 0 });
    expect(await two.command(clip('command-2', runId, 3, 5))).toEqual({
      ok: false,
      reason: 'conflict',
      field: 'expected',
      message: 'Clip at was changed by You at step 0: it is 2 now, you saw 5',
    });
  });

  it('of two who change the same value at the same moment one applies, the other is told by the trainer', async () => {
    const a = await app();
    const { runId, t } = await begun(a);
    const [one, two] = [await viewer(a), await viewer(a)];
    await one.watch(runId);
    const answers = await Promise.all([one.command(clip('command-1', runId, 2, 5)), two.command(clip('command-2', runId, 3, 5))]);
    expect(answers.every((x) => x.ok)).toBe(true);
    const [first, second] = [await t.received.next('command'), await t.received.next('command')];
    const message = 'clipThreshold was changed';
    await t.send(
      { type: 'command.applied', commandId: first.command.id, seq: first.seq, step: 0, before: 5, after: 2, message: '' },
      { type: 'command.refused', commandId: second.command.id, seq: second.seq, step: 0, reason: 'conflict', message },
    );
    const view = await one.until(
      ({ recent: { commands } }) => commands.items.length === 2 && commands.items.every((c) => c.outcome.status !== 'requested'),
    );
    expect(view.recent.commands.items.map((c) => c.outcome.status)).toEqual(['applied', 'refused']);
  });

  it('a command for a queued run waits for its trainer', async () => {
    const a = await app();
    const { runId } = await a.hub.create(you, setup);
    const command = clip('command-1', runId, 2, 5);
    expect(await (await viewer(a)).command(command)).toEqual({ ok: true, seq: 2 });
    const t = await trainer(a);
    t.ready();
    expect((await t.assigned()).commands).toEqual([{ seq: 2, actor: you, command }]);
  });
});

describe('a message that does not fit', () => {
  const runId = 'abcdef0123';
  const long = 'x'.repeat(70_000);
  // [event, arguments, field, what the answer says]
  const bad: [string, unknown[], string | null, RegExp][] = [
    ['watch', [], null, /object/],
    ['watch', [null], null, /object/],
    ['watch', [7], null, /object/],
    ['watch', [{}], 'runId', /runId/],
    ['watch', [{ runId: 'NO', cursor: null }], 'runId', /6 to 32 lower-case/],
    ['watch', [{ runId, cursor: { attempt: -1, seq: 0 } }], 'cursor.attempt', /cursor\.attempt/],
    ['watch', [{ runId, cursor: { attempt: 1, seq: 'x' } }], 'cursor.seq', /cursor\.seq/],
    ['watch', [{ runId, cursor: null, extra: 1 }], 'extra', /extra/],
    ['watchRuns', [{ all: true }], null, /give nothing/],
    ['command', [{}], 'kind', /kind/],
    ['command', [{ kind: 'drop' }], 'kind', /kind/],
    ['command', [{ kind: 'set', id: 'x', runId, control: 'c', value: 1 }], 'id', /8 to 64/],
    ['command', [{ kind: 'set', id: 'command-1', runId, control: '', value: 1 }], 'control', /control/],
    ['command', [{ kind: 'set', id: 'command-1', runId, control: 'c', value: [1] }], 'value', /value/],
    ['command', [{ kind: 'act', id: 'command-1', runId, action: 'stop', args: { a: {} } }], 'args.a', /args\.a/],
    ['command', [{ kind: 'set', id: 'command-1', runId, control: 'c', value: 1, actor: { role: 'admin' } }], 'actor', /actor/],
    ['explode', [{}], 'event', /no message "explode"/],
  ];

  it('costs its sender an answer that names the field, and nobody else anything', async () => {
    const a = await app();
    const { runId: watched, t } = await begun(a);
    const [sender, other] = [await viewer(a), await viewer(a)];
    await sender.watch(watched);
    await other.watch(watched);
    for (const [name, args, field, says] of bad) {
      const answer = await sender.raw(name, ...args);
      expect(answer, `${name} ${JSON.stringify(args)}`).toMatchObject({ ok: false, reason: 'invalid', field });
      expect((answer as { message: string }).message).toMatch(says);
    }
    await t.send(steps(0, 1, values));
    for (const v of [sender, other]) await v.until((view) => view.step === 1);
    expect(a.trouble).toEqual([]);
  });

  it('without a way to answer, comes back as `refused`', async () => {
    const v = await viewer(await app());
    (v.socket as unknown as { emit(name: string, message: unknown): void }).emit('command', { kind: 'set' });
    expect(await v.received.next('refused')).toMatchObject({ ok: false, reason: 'invalid' });
  });

  it('and too large, ends its sender’s connection alone', async () => {
    const a = await app();
    const { runId: watched, t } = await begun(a);
    const [sender, other] = [await viewer(a), await viewer(a)];
    await other.watch(watched);
    const gone = new Promise((resolve) => sender.socket.once('disconnect', resolve));
    sender.socket.emit('watch', { runId: long, cursor: null }, () => {});
    await gone;
    await t.send(steps(0, 1, values));
    await other.until((view) => view.step === 1);
  });

  it('from a trainer, is refused with its field', async () => {
    const a = await app();
    const { t } = await begun(a);
    expect(await t.socket.emitWithAck('events', new Uint8Array(3))).toMatchObject({
      ok: false,
      reason: 'invalid',
      message: 'packed message: 3 bytes are too few',
    });
    expect(await t.batch(-1, [steps(0, 1, values)])).toMatchObject({
      ok: false,
      reason: 'invalid',
      message: expect.stringContaining('from: '),
    });
    expect(await t.batch(2, [{ type: 'status', status: 'flying', step: 0, message: '' } as never])).toEqual({
      ok: true,
      nextEvent: 3,
    });
    const { answer } = await TrainerClient.tryConnect(a.address, { version: 99 });
    expect(answer).toMatchObject({ ok: false, reason: 'invalid', field: 'version' });
    // As version 0.1 of the program registers: what else it says is of no interest.
    const old = {
      version: 1,
      trainerId: 'old-trainer',
      name: 'old',
      host: 'h',
      pid: 1,
      tasks: ['reverse'],
      backends: ['cpu'],
      active: null,
    };
    expect(await t.socket.emitWithAck('register', old as never)).toEqual({
      ok: false,
      reason: 'invalid',
      message:
        "version: this server speaks version 2 of the trainers' protocol, the trainer speaks 1; use the same release on both sides",
      field: 'version',
    });
  });
});

describe('a restart of the server', () => {
  it('loses nothing: the trainer goes on where it was, and sends what it made meanwhile', async () => {
    const folder = ownFolder();
    opened.push({ close: folder.remove });
    const before = await startApp({ dataFolder: folder.path });
    const { runId } = await before.hub.create(you, setup);
    const t = await TrainerClient.connect(before.address);
    t.ready();
    await t.assigned();
    await t.send(runStarted(0, values), steps(0, 5, values));
    // Committed, but the answer does not reach the trainer: it will send these again.
    await t.batch(t.run!.next, [steps(5, 2, values)]);
    const held = { ...t.run!, lastCommandSeq: 0 };
    await before.close();

    const after = await app({ dataFolder: folder.path });
    const v = await viewer(after);
    await v.watch(runId);
    expect(v.view!.step).toBe(7);
    await v.command(clip('command-1', runId, 2, 5));
    const { client, answer } = await TrainerClient.tryConnect(after.address, {
      trainerId: t.registration.trainerId,
      holding: [{ runId, attempt: held.attempt, lastCommandSeq: 0 }],
    });
    keep(client);
    // 0 started, 1..5 and 6..7 rows
    expect(answer).toMatchObject({
      ok: true,
      holding: [{ ok: true, nextEvent: 8, commands: [{ command: { id: 'command-1' } }] }],
    });
    client.run = { ...held };
    await client.send(steps(5, 2, values), steps(7, 3, values));
    const view = await v.until((now) => now.step === 10);
    expect(view.status).toBe('starting');
    const range = await after.hub.store.range({ runId, series: ['loss'], fromStep: 0, toStep: null, buckets: 100 });
    expect([...range.series[0]!.rows]).toEqual(Array.from({ length: 10 }, () => 1));
    expect(view).toEqual(await stored(after, runId));
  });

  it('a run whose trainer does not come back goes on with another from its checkpoint', async () => {
    const a = await app({ graceMs: 200 });
    const { runId, t } = await begun(a);
    const blob = blobOf(new TextEncoder().encode('checkpoint'));
    await t.put(blob);
    await t.send(steps(0, 5, values), {
      type: 'checkpoint',
      step: 5,
      blob: refOf(blob),
      trigger: 'cadence',
      commandId: null,
      lastCommandSeq: 0,
    });
    await t.send(steps(5, 3, values));
    const v = await viewer(a);
    await v.watch(runId);
    const other = await trainer(a, { name: 'other' });
    other.ready();
    t.close();
    await v.until((view) => view.status === 'waiting');
    const assignment = await other.assigned();
    expect(assignment).toMatchObject({ runId, attempt: 2, resume: { step: 5, blob: refOf(blob), replay: [] }, commands: [] });
    const got = await fetch(`${a.url}${paths.blobs}/${blob.hash}`, { headers: { authorization: `Bearer ${a.trainerToken}` } });
    expect(await got.text()).toBe('checkpoint');
    // The first one, back too late, learns that the run is no longer its own.
    const { client, answer } = await TrainerClient.tryConnect(a.address, {
      trainerId: t.registration.trainerId,
      holding: [{ runId, attempt: 1, lastCommandSeq: 0 }],
    });
    keep(client);
    expect(answer).toMatchObject({ ok: true, holding: [{ runId, attempt: 1, ok: false }] });
  });

  it('a trainer that is back in time goes on, and everybody sees that it was away', async () => {
    const a = await app();
    const { runId, t } = await begun(a);
    const v = await viewer(a);
    await v.watch(runId);
    t.close();
    await v.until((view) => view.status === 'waiting');
    const again = await trainer(a, { trainerId: t.registration.trainerId, holding: [{ runId, attempt: 1, lastCommandSeq: 0 }] });
    again.run = { ...t.run! };
    await v.until((view) => view.status === 'running');
    await again.send(steps(0, 1, values));
    await v.until((view) => view.step === 1);
  });
});
