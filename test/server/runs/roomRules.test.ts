/** Rules of one run besides the course of its events and commands (room.test.ts): what is remembered, waits for approval, or leaves no entry. */
import { beforeEach, describe, expect, it } from 'vitest';
import { RunLog } from '~/server/runs/log';
import { FencedError } from '~/server/store';
import type { Command } from '~/shared/commands';
import { controlDefaults } from '~/shared/controls';
import type { TrainerEvent } from '~/shared/events';
import { mostOpenCommands } from '~/shared/view';
import {
  act,
  ada,
  applied,
  around,
  batch,
  begin,
  blobs,
  bob,
  checkpoint,
  clock,
  freshRoom,
  gpu,
  kept,
  openRoom,
  publish,
  published,
  room,
  runId,
  running,
  set,
  setup,
  store,
  values,
} from '~/test/support/ownRoom';
import { controls, runStarted, steps } from '~/test/support/synthetic';

beforeEach(freshRoom);

const kinds = () => published.map(({ event }) => event.type);
const setClip = (id: string, value: number) => set(id, 'clipThreshold', value);

describe('a refused command', () => {
  const refusal = { ok: false, reason: 'invalid', field: 'value' };

  it('sent again gets the same answer, also when it would be possible now; its id is not free for another', async () => {
    await begin();
    const first = await room.command(ada, setClip('refused-1', -1));
    expect(first).toMatchObject(refusal);
    expect(await room.command(ada, setClip('refused-1', -1))).toBe(first);
    expect(await room.command(ada, setClip('refused-1', 2))).toEqual({
      ok: false,
      reason: 'invalid',
      message: 'id: refused-1 was used for another command',
      field: 'id',
    });
    expect(await room.command(bob, setClip('refused-1', -1))).toMatchObject({ field: 'id' });
    expect(kinds().includes('command.requested')).toBe(false);
  });

  it('is remembered among the last thousand', async () => {
    await begin();
    const id = (i: number) => `refused-${String(i).padStart(5, '0')}`;
    const answers = [];
    for (let i = 0; i <= 1000; i++) answers.push(await room.command(ada, setClip(id(i), -1)));
    expect(await room.command(ada, setClip(id(1), -1))).toBe(answers[1]);
    // The first is forgotten: it is judged anew.
    expect(await room.command(ada, setClip(id(0), 3))).toMatchObject({ ok: true });
  });

  it('because too many wait may be sent again with the same id', async () => {
    await begin();
    for (let i = 0; i < mostOpenCommands; i++) await room.command(ada, setClip(`waits-${String(i).padStart(4, '0')}`, i + 1));
    expect(await room.command(ada, setClip('one-more', 2))).toMatchObject({ ok: false, reason: 'busy' });
    const { seq } = room.view.openCommands[0]!;
    await batch(1, 2, {
      type: 'command.applied',
      commandId: 'waits-0000',
      seq,
      step: 0,
      before: 1,
      after: 1,
      message: '',
    });
    expect(await room.command(ada, setClip('one-more', 2))).toMatchObject({ ok: true });
  });
});

describe('a command that needs approval', () => {
  it('is proposed and reaches no trainer; one that does not goes on', async () => {
    around.needsApproval = ['clipThreshold'];
    await begin();
    const answer = await room.command(ada, setClip('proposed-1', 2));
    expect(answer).toEqual({ ok: true, seq: room.view.seq });
    expect(kinds().at(-1)).toBe('command.proposed');
    expect(room.open(0).map((c) => c.command.id)).toEqual([]);
    await room.command(ada, act('evaluate-1', 'evaluate', { split: 'test' }));
    expect(kinds().at(-1)).toBe('command.requested');
    expect(room.open(0).map((c) => c.command.id)).toEqual(['evaluate-1']);
  });

  it('takes effect at its approval as if it were asked then: a run that no trainer holds stops at once', async () => {
    around.needsApproval = ['stop'];
    await begin();
    around.hasTrainer = false;
    await room.lost('the trainer is gone');
    await room.command(ada, act('stop-0001', 'stop'));
    expect(room.view.status).toBe('waiting');
    expect(await room.answerProposal(ada, 'stop-0001', true)).toMatchObject({ ok: false, reason: 'forbidden' });
    expect(await room.answerProposal(bob, 'stop-0001', true)).toEqual({ ok: true, seq: room.view.seq });
    expect(room.view).toMatchObject({ status: 'stopped', statusMessage: 'stopped by Ada', openCommands: [] });
    const { items } = room.view.recent.commands;
    expect(items).toMatchObject([{ actor: ada, command: { id: 'stop-0001' }, outcome: { status: 'applied' } }]);
  });
});

describe('what a trainer sends', () => {
  it('is not taken after people went back to a checkpoint, and the trainer is told why', async () => {
    await begin();
    await batch(1, 2, checkpoint(0, kept, 0), steps(0, 3, values));
    await room.command(ada, act('revert-01', 'revert', { checkpoint: kept }));
    const before = room.view.seq;
    expect(await batch(1, 6, steps(3, 1, values))).toEqual({ ok: false, reason: 'fenced', message: room.view.statusMessage });
    expect(room.view.seq).toBe(before);
  });

  it('is fenced off when the store says that another server owns the run now', async () => {
    await begin();
    store.append = async () => {
      throw new FencedError(runId, 1, 2);
    };
    expect(await batch(1, 2, steps(0, 1, values))).toMatchObject({ ok: false, reason: 'fenced' });
  });

  it('waits for the bytes of a blob, which the answer names', async () => {
    await begin();
    blobs.clear();
    expect(await batch(1, 2, steps(0, 1, values), checkpoint(1, kept, 0))).toEqual({
      ok: false,
      reason: 'missing-blob',
      hash: kept,
      message: `blob ${kept} is not here: store it before the event that names it`,
    });
    expect(kinds().filter((kind) => kind === 'rows')).toEqual([]);
  });

  it('with rewinds is taken up to the first part that is not', async () => {
    await begin();
    const rewind = (step: number) => ({ type: 'rewind', step }) as const;
    const gone = checkpoint(1, 'b'.repeat(64), 0);
    const answer = await batch(1, 2, steps(0, 2, values), rewind(1), gone, rewind(0), steps(0, 1, values));
    expect(answer).toMatchObject({ ok: false, reason: 'missing-blob' });
    expect([room.nextEvent, kinds().slice(4)]).toEqual([4, ['rows']]);
  });

  it.each([
    ['two days ahead', (now: number) => now + 49 * 3_600_000, "is 2 days ahead of the server's"],
    ['two minutes ahead', (now: number) => now + 120_000, "is 2 minutes ahead of the server's"],
    ['of a clock that was never set', () => 5_000, 'says 1970'],
  ])('with times %s is kept as it is, with one alert', async (_, time, words) => {
    await clock.advance(Date.UTC(2026, 0, 1) - clock.now());
    await begin();
    const at = (step: number) => ({ ...steps(step, 1, values), times: Float64Array.of(time(clock.now())) }) as TrainerEvent;
    await batch(1, 2, at(0), at(1));
    await batch(1, 4, at(2));
    const message = `the clock of ${gpu.host} ${words}: charts over time, and how long things took, go by the times that it sends`;
    const alerts = published.filter(({ event }) => event.type === 'alert').map(({ event }) => event);
    expect(alerts).toEqual([{ type: 'alert', step: 2, level: 'warning', kind: 'clock', message: message }]);
    const first = published.find(({ event }) => event.type === 'rows')!.event;
    expect(first).toMatchObject({ times: Float64Array.of(time(clock.now())) });
  });

  it.each([
    ['two days behind', -49 * 3_600_000, "is 2 days behind the server's"],
    ['two minutes behind', -120_000, "is 2 minutes behind the server's"],
    ['two minutes ahead', 120_000, "is 2 minutes ahead of the server's"],
    ['of 1970', -Date.UTC(2026, 0, 1), 'says 1970'],
    ['a minute behind', -60_000, null],
    ['not known', undefined, null],
  ])('of a process whose clock is %s gets an alert where that matters', async (_, aheadMs, words) => {
    await clock.advance(Date.UTC(2026, 0, 1) - clock.now());
    await begin();
    const send = (from: number, ...events: TrainerEvent[]) => room.events({ runId, attempt: 1, from, events }, aheadMs);
    await send(2, steps(0, 1, values));
    expect(kinds()).not.toContain('alert');
    const timed = (step: number) =>
      ({ ...steps(step, 1, values), times: Float64Array.of(clock.now() - 3_600_000) }) as TrainerEvent;
    await send(3, timed(1));
    await send(4, timed(2));
    const alerts = published.flatMap(({ event }) => (event.type === 'alert' ? [event.message] : []));
    const message = `the clock of ${gpu.host} ${words}: charts over time, and how long things took, go by the times that it sends`;
    expect(alerts).toEqual(words === null ? [] : [message]);
  });

  it('with times a minute ahead, or long ago, as of a log that is sent later, gets no alert', async () => {
    await clock.advance(Date.UTC(2026, 0, 1) - clock.now());
    await begin();
    const times = Float64Array.of(Date.UTC(2001, 0, 1), clock.now(), clock.now() + 60_000);
    await batch(1, 2, { ...steps(0, 3, values), times } as TrainerEvent);
    expect(kinds()).not.toContain('alert');
  });

  it('that it has sent before adds nothing', async () => {
    await begin();
    const append = store.append;
    let writes = 0;
    store.append = (...args) => {
      writes++;
      return append(...args);
    };
    expect(await batch(1, 0, runStarted(0, values))).toEqual({ ok: true, nextEvent: 2 });
    expect(writes).toBe(0);
  });
});

describe('going back', () => {
  it('to a checkpoint whose bytes are gone is refused', async () => {
    await begin();
    await batch(1, 2, steps(0, 3, values), checkpoint(3, kept, 0));
    blobs.clear();
    expect(await room.command(ada, act('revert-01', 'revert', { checkpoint: kept }))).toEqual({
      ok: false,
      reason: 'state',
      message: 'args.step: the checkpoint at step 3 is no longer kept here',
      field: 'args.step',
    });
    expect(room.view.pendingRevert).toBeNull();
  });
});

describe('a run that waits to go back', () => {
  it('and is stopped, ends at the checkpoint: a command that the checkpoint holds gets its answer there', async () => {
    await begin();
    const held = { ...setClip('held-0001', 3), when: { kind: 'step', step: 5 } } as Command;
    await room.command(ada, held);
    const { seq } = room.view;
    await batch(1, 2, { type: 'command.scheduled', commandId: 'held-0001', seq, step: 0, message: 'at step 5' });
    await batch(1, 3, steps(0, 3, values), checkpoint(3, kept, seq), steps(3, 3, values));
    await batch(1, 10, applied('held-0001', seq, 5, 5, 3));
    await room.command(ada, act('revert-01', 'revert', { checkpoint: kept }));
    around.hasTrainer = false;
    await room.command(ada, setClip('waits-001', 4));
    await room.command(bob, act('stop-0001', 'stop'));
    expect(room.view).toMatchObject({ status: 'stopped', step: 3, pendingRevert: null, openCommands: [] });
    const message = 'the run ended before this could take effect';
    const refusals = published.flatMap(({ event }) => (event.type === 'command.refused' ? [event] : []));
    expect(refusals).toMatchObject([
      { commandId: 'waits-001', step: 3, reason: 'run-ended', message },
      { commandId: 'held-0001', step: 3, reason: 'run-ended', message },
    ]);
    expect(room.view.values.clipThreshold).toMatchObject({ value: values.clipThreshold, changedBy: null });
  });
});

it('a stop that waits for a trainer takes effect when there is none, and the other commands get their answer', async () => {
  await begin();
  await room.command(ada, setClip('waits-001', 4));
  await room.command(bob, act('stop-0001', 'stop'));
  around.hasTrainer = false;
  await room.stopIfAsked();
  expect(published.slice(-3).map(({ event }) => event)).toMatchObject([
    { type: 'command.applied', commandId: 'stop-0001', step: 0, message: 'stopped by Bob' },
    { type: 'command.refused', commandId: 'waits-001', step: 0, reason: 'run-ended' },
    { type: 'status', status: 'stopped', step: 0, message: 'stopped by Bob' },
  ]);
});

describe('a run that a trainer takes', () => {
  it('goes on from the newest checkpoint whose bytes are here, however many have none', async () => {
    await begin();
    await batch(1, 2, steps(0, 1, values), checkpoint(1, kept, 0));
    const lostOnes = Array.from({ length: 45 }, (_, i) => checkpoint(1, i.toString(16).padStart(64, '0'), 0));
    for (const { blob } of lostOnes as { blob: { hash: string } }[]) blobs.add(blob.hash);
    await batch(1, 4, ...lostOnes);
    blobs.clear();
    blobs.add(kept);
    expect(await room.assign(gpu)).toMatchObject({ resume: { step: 1, blob: { hash: kept } } });
  });

  it('begins at its fork, until it has a checkpoint of its own', async () => {
    const parent = { runId: 'run0000000', step: 9, checkpoint: { hash: kept, bytes: 3 } };
    const log = await RunLog.create({ store, clock }, 'run0000002', { type: 'run.created', setup, actor: ada, parent }, publish);
    const resume = { step: 9, blob: parent.checkpoint, replay: [] };
    expect(await openRoom(log).assign(gpu)).toMatchObject({ attempt: 1, resume });
    expect(log.view).toMatchObject({ step: 9, takeovers: { fromStep: 9 } });
  });

  it('is opened again by its script with its settings, when they are others', async () => {
    await begin();
    const configs = () => published.flatMap(({ event }) => (event.type === 'run.assigned' ? [event.config] : []));
    await room.reopen(gpu, null);
    await room.reopen(gpu, structuredClone(setup.config));
    await room.reopen(gpu, { lr: 1 });
    expect(configs()).toEqual([undefined, undefined, undefined, { lr: 1 }]);
  });
});

describe('a command', () => {
  it('sent again long after it took effect gets its first answer', async () => {
    await begin();
    const first = await room.command(ada, setClip('command-1', 2));
    expect(first).toEqual({ ok: true, seq: 5 });
    await batch(1, 2, applied('command-1', 5, 0, 1, 2));
    expect(room.view.openCommands).toEqual([]);
    expect(await room.command(ada, setClip('command-1', 2))).toEqual(first);
    expect(await room.command(bob, setClip('command-1', 2))).toMatchObject({ ok: false, field: 'id' });
    expect(room.view.seq).toBe(6);
  });

  it('that stops at a later step does not stop a run that waits', async () => {
    await begin();
    around.hasTrainer = false;
    const later = { ...act('stop-later', 'stop'), when: { kind: 'step', step: 50 } } as const;
    expect(await room.command(ada, later)).toMatchObject({ ok: true });
    expect([room.view.status, room.open(0).map((c) => c.command.id)]).toEqual(['running', ['stop-later']]);
  });

  it('that cancels a question takes effect at once, and answers the question', async () => {
    await room.assign(gpu);
    const check = { name: 'check', label: 'Check', help: '', args: [], risky: false, question: true };
    const id = { ...controlDefaults, name: 'commandId', label: 'Command', help: '', type: 'text', default: '' } as const;
    const callOff = { ...check, name: 'callOff', question: false, role: 'cancel', args: [id] };
    const declared = { values: controls.values, actions: [...controls.actions, check, callOff] };
    await batch(1, 0, { ...runStarted(0, values), controls: declared } as TrainerEvent, running, checkpoint(0, kept, 0));
    await room.command(bob, { ...act('question-1', 'check'), checkpoint: kept } as Command);
    expect(await room.command(ada, act('cancel-0001', 'callOff', { commandId: 'question-1' }))).toMatchObject({
      ok: true,
      seq: 7,
    });
    const outcome = { step: 0, before: null, after: null };
    expect(published.slice(-2).map(({ event }) => event)).toMatchObject([
      { type: 'command.applied', commandId: 'cancel-0001', seq: 7, ...outcome, message: 'command question-1 canceled' },
      { type: 'command.refused', commandId: 'question-1', seq: 6, step: 0, reason: 'state', message: 'canceled by Ada' },
    ]);
    expect(room.view.openCommands).toEqual([]);
  });
});

describe('entries of the server', () => {
  const lost = () => kinds().filter((kind) => kind === 'trainer.lost').length;

  it('a lost trainer is told once, of a run that has begun and not ended', async () => {
    await room.lost('gone');
    expect(lost()).toBe(0);
    await begin();
    await room.lost('gone');
    await room.lost('gone');
    expect([lost(), room.view.status]).toEqual([1, 'waiting']);
    await room.back();
    await room.back();
    expect(kinds().filter((kind) => kind === 'trainer.back').length).toBe(1);
    await batch(1, 2, { type: 'status', status: 'finished', step: 0, message: '' });
    await room.lost('gone');
    await room.back();
    expect([lost(), kinds().filter((kind) => kind === 'trainer.back').length]).toEqual([1, 1]);
  });

  it('a process is silent only in its own attempt, and while the run goes on', async () => {
    await begin();
    await room.crashed(2, 'no word for 28 s');
    expect(room.view.status).toBe('running');
    await room.command(ada, setClip('waits-0001', 2));
    await room.crashed(1, 'no word for 28 s');
    expect([room.view.status, room.view.statusMessage]).toEqual(['crashed', 'no word for 28 s']);
    // It may come back: what waits for it keeps waiting.
    await room.settle();
    expect(room.open(0).map((c) => c.command.id)).toEqual(['waits-0001']);
    await room.back();
    await batch(1, 2, { type: 'status', status: 'finished', step: 0, message: '' });
    await room.crashed(1, 'no word for 28 s');
    expect(room.view.status).toBe('finished');
    await room.settle();
    expect([kinds().at(-1), room.open(0)]).toEqual(['command.refused', []]);
    const { seq } = room.view;
    await room.settle();
    expect(room.view.seq).toBe(seq);
  });

  it('an alert has at most 2,000 characters', async () => {
    await room.alert('warning', 'disk', 'x'.repeat(3_000));
    const { event } = (await store.entries({ runId, fromSeq: 2, limit: 1, types: null }))[0]!;
    expect(event).toEqual({ type: 'alert', step: 0, level: 'warning', kind: 'disk', message: 'x'.repeat(2_000) });
  });

  it('a decision for nothing leaves no entry; one against it is the answer', async () => {
    expect(await room.decide(() => [])).toEqual({ ok: true, seq: 1 });
    const no = { ok: false, reason: 'state', message: 'no', field: null } as const;
    expect(await room.decide(() => no)).toBe(no);
    expect(room.view.seq).toBe(1);
  });

  it('a stop that waits takes effect when nobody holds the run any more, and then only once', async () => {
    await begin();
    await room.command(ada, act('stop-0001', 'stop'));
    await room.command(bob, setClip('waits-0001', 2));
    await room.stopIfAsked();
    expect(room.view.status).toBe('running');
    around.hasTrainer = false;
    await room.stopIfAsked();
    expect([room.view.status, room.view.statusMessage, room.open(0)]).toEqual(['stopped', 'stopped by Ada', []]);
    const { seq } = room.view;
    await room.stopIfAsked();
    expect(room.view.seq).toBe(seq);
  });

  it('waits for what is in progress', async () => {
    const { append } = store;
    let go = () => {};
    const going = new Promise<void>((resolve) => {
      go = resolve;
    });
    store.append = async (...args) => {
      await going;
      return append(...args);
    };
    const alert = room.alert('info', 'k', 'm').then(() => 'written');
    const idle = room.idle().then(() => room.view.seq);
    go();
    expect([await alert, await idle]).toEqual(['written', 2]);
  });
});
