import { beforeEach, describe, expect, it } from 'vitest';
import type { Command } from '~/shared/commands';
import type { TrainerEvent } from '~/shared/events';
import { CRASHED_MS } from '~/shared/protocol';
import {
  ada,
  advance,
  begun,
  clock,
  freshHub,
  hub,
  key,
  running,
  Script,
  settle,
  start,
  stop,
  store,
  token,
  values,
  view,
} from '~/test/support/ownHub';
import { controls, runStarted, steps } from '~/test/support/synthetic';

beforeEach(freshHub);

describe('a run that a script opens', () => {
  it('has the setup that the script gave, and is nobody else’s: no queue, no other trainer', async () => {
    const script = new Script();
    await script.join();
    const other = new Script('idle trainer');
    await other.join();
    await hub.registry.ready(other.id, other);
    const answer = await script.open(key);
    expect(answer).toEqual({
      ok: true,
      runId: answer.runId,
      attempt: 1,
      nextEvent: 0,
      commands: [],
      state: { step: 0, status: 'queued' },
    });
    await settle();
    expect(await view(answer.runId)).toMatchObject({
      setup: { name: 'char gpt', project: 'lm', tags: ['nightly'], recipe: null, config: { lr: 3e-4, model: { layers: 2 } } },
      status: 'starting',
      trainer: { id: script.id, name: 'train.py' },
      createdBy: token,
    });
    expect([hub.registry.waiting.queue(), other.assigned, script.assigned]).toEqual([[], 0, 0]);
    expect(hub.registry.list().find((t) => t.id === script.id)).toMatchObject({ opened: [answer.runId], runId: null });
    expect(await hub.makeRoom(ada, answer.runId)).toMatchObject({ ok: false, reason: 'state' });
    expect(JSON.stringify(await store.entries({ runId: answer.runId, fromSeq: 1, limit: 9, types: null }))).not.toContain(key);
  });

  it('is asked for again when the answer was lost: it is the same attempt, whatever `resume` says', async () => {
    const script = new Script();
    await script.join();
    const first = await script.open(key);
    await script.cut();
    await script.join();
    expect(await script.open(key)).toEqual(first);
    await script.send(first.runId, 1, 0, runStarted(0, values));
    expect(await script.tryOpen(key)).toMatchObject({ ok: false, reason: 'state', field: 'key' });
  });

  it('cannot be opened by a second process while the first is alive, and can once it is not', async () => {
    const { runId } = await begun();
    const second = new Script('again.py');
    await second.join();
    expect(await second.tryOpen(key, { resume: 'allow' })).toMatchObject({
      ok: false,
      reason: 'busy',
      message: expect.stringContaining('is open in train.py on test-host, which is alive'),
    });
    await advance(16_000);
    expect(await second.tryOpen(key, { resume: 'allow' })).toMatchObject({ ok: true, runId, attempt: 2 });
  });

  it.each(['allow', 'must'] as const)('goes on in a new attempt with resume %s, which fences the old one off', async (resume) => {
    const { script, runId } = await begun();
    await script.send(runId, 1, 2, steps(0, 10, values));
    await script.cut();
    const again = new Script('train.py', 'restarted-process');
    await again.join();
    const answer = await again.open(key, { resume, setup: { config: { lr: 1 } } as never });
    expect(answer).toMatchObject({ runId, attempt: 2, nextEvent: 0, state: { step: 10, status: 'running' } });
    expect(await script.send(runId, 1, 12, steps(10, 1, values))).toMatchObject({ ok: false, reason: 'unavailable' });
    await script.join({ runId, attempt: 1, lastCommandSeq: 0 });
    expect(await script.send(runId, 1, 12, steps(10, 1, values))).toMatchObject({ ok: false, reason: 'fenced' });
    // Nothing is superseded: the script goes on from where it wants.
    expect(await again.send(runId, 2, 0, runStarted(10, values), running(10), steps(10, 5, values))).toEqual({
      ok: true,
      nextEvent: 7,
    });
    expect(await view(runId)).toMatchObject({ step: 15, status: 'running', setup: { name: 'char gpt', config: { lr: 1 } } });
  });

  it('that is to be resumed must be known; a new one must not be', async () => {
    const script = new Script();
    await script.join();
    expect(await script.tryOpen(key, { resume: 'must' })).toMatchObject({ ok: false, reason: 'unknown-run', field: 'key' });
    expect(hub.summaries()).toEqual([]);
  });

  it('is one of several of its process: each batch says whose events it brings', async () => {
    const { script, runId } = await begun();
    const second = await script.open('another-key', { setup: { name: 'eval' } as never });
    expect(await script.send(second.runId, 1, 0, runStarted(0, values))).toEqual({ ok: true, nextEvent: 1 });
    expect(await script.send(runId, 1, 2, steps(0, 3, values))).toEqual({ ok: true, nextEvent: 5 });
    expect([(await view(runId)).step, (await view(second.runId)).step]).toEqual([3, 0]);
    const thief = new Script('thief');
    await thief.join();
    expect(await thief.send(runId, 1, 5, steps(3, 1, values))).toMatchObject({ ok: false, reason: 'fenced' });
  });

  it('forked from a step of another names it; the step must be there', async () => {
    const { script, runId } = await begun();
    await script.send(runId, 1, 2, steps(0, 10, values));
    expect(await script.tryOpen('fork-key-1', { fork: { runId, step: 11 } })).toMatchObject({ ok: false, field: 'fork.step' });
    const fork = await script.open('fork-key-1', { fork: { runId, step: 4 } });
    expect(await view(fork.runId)).toMatchObject({ parent: { runId, step: 4, checkpoint: null }, step: 4 });
    await script.send(fork.runId, 1, 0, runStarted(4, values), steps(4, 1, values));
    expect((await view(fork.runId)).step).toBe(5);
  });
});

describe('a process that goes away', () => {
  it('leaves its run waiting, and crashed when nothing was heard of it for 28 s', async () => {
    const { script, runId } = await begun();
    await advance(4_000);
    await script.cut();
    expect(await view(runId)).toMatchObject({ status: 'waiting', statusMessage: 'the connection to train.py is lost' });
    await advance(CRASHED_MS - 4_000 - 1);
    expect((await view(runId)).status).toBe('waiting');
    await advance(1);
    expect(await view(runId)).toMatchObject({
      status: 'crashed',
      statusMessage: 'nothing was heard of train.py on test-host for 28 s',
    });
    expect(await hub.command(ada, { ...stop(runId), id: 'late-command' })).toMatchObject({ ok: false, reason: 'run-ended' });
  });

  it('lives as long as anything is heard of it; silent with its connection open it has crashed too, until it says something', async () => {
    const { script, runId } = await begun();
    for (let i = 0; i < 20; i++) {
      await advance(5_000);
      hub.registry.opened.heard(script.id);
    }
    expect((await view(runId)).status).toBe('running');
    await advance(CRASHED_MS);
    expect((await view(runId)).status).toBe('crashed');
    hub.registry.opened.heard(script.id);
    await settle();
    expect((await view(runId)).status).toBe('running');
    await advance(CRASHED_MS);
    expect((await view(runId)).status).toBe('crashed');
  });

  it('lives on when somebody sets the clock an hour ahead, and has crashed in time when it is set back', async () => {
    const { script, runId } = await begun();
    await advance(CRASHED_MS - 5_000);
    hub.registry.opened.heard(script.id);
    clock.jump(3_600_000);
    await advance(5_000);
    expect((await view(runId)).status).toBe('running');
    clock.jump(-3_600_000);
    await advance(CRASHED_MS);
    expect((await view(runId)).status).toBe('crashed');
  });

  it('and comes back while another process opens its run is told that the run is not its own any more', async () => {
    const { script, runId } = await begun();
    await script.send(runId, 1, 2, steps(0, 10, values));
    await script.cut();
    const again = new Script('train.py', 'restarted-process');
    await again.join();
    const { append } = store;
    let joined: ReturnType<typeof script.join> | null = null;
    store.append = (write) => {
      joined ??= script.join({ runId, attempt: 1, lastCommandSeq: 0 });
      return append(write);
    };
    expect(await again.tryOpen(key, { resume: 'allow' })).toMatchObject({ ok: true, attempt: 2, nextEvent: 0 });
    expect(await joined).toMatchObject({ ok: true, holding: [{ ok: false, attempt: 1 }] });
  });

  it('that ends its run without answers to commands: they are refused', async () => {
    const { script, runId } = await begun();
    expect(await hub.command(ada, { ...stop(runId), id: 'late-command' })).toMatchObject({ ok: true });
    await script.send(runId, 1, 2, { type: 'status', status: 'finished', step: 0, message: '' });
    await settle();
    expect((await view(runId)).openCommands).toEqual([]);
    expect((await view(runId)).recent.commands.items.map((c) => c.outcome)).toMatchObject([
      { status: 'refused', reason: 'run-ended' },
    ]);
  });

  it('and comes back after it was given up goes on where it was, in the same attempt', async () => {
    const { script, runId } = await begun();
    await script.cut();
    await advance(CRASHED_MS);
    expect((await view(runId)).status).toBe('crashed');
    expect(await script.join({ runId, attempt: 1, lastCommandSeq: 0 })).toMatchObject({ holding: [{ ok: true, nextEvent: 2 }] });
    expect((await view(runId)).status).toBe('running');
    expect(await script.send(runId, 1, 2, steps(0, 5, values))).toEqual({ ok: true, nextEvent: 7 });
  });

  it('closes its run without an end: nobody waits for it, and it is opened again', async () => {
    const { script, runId } = await begun();
    expect(await hub.registry.closeRun(script.id, script, { runId, attempt: 1 })).toEqual({ ok: true });
    expect(await script.send(runId, 1, 2, steps(0, 1, values))).toMatchObject({ ok: false, reason: 'fenced' });
    await advance(10 * CRASHED_MS);
    expect((await view(runId)).status).toBe('waiting');
    await hub.close();
    await start();
    await advance(10 * CRASHED_MS);
    expect((await view(runId)).status).toBe('waiting');
    await script.join();
    expect(await script.open(key, { resume: 'must' })).toMatchObject({ runId, attempt: 2 });
  });

  it('while the server restarts keeps its run: key, attempt and commands', async () => {
    const { script, runId } = await begun();
    const held: Command = {
      kind: 'set',
      id: 'later-command',
      runId,
      control: 'clipThreshold',
      value: 1,
      when: { kind: 'step', step: 99 },
    };
    const asked = await hub.command(ada, held);
    const seq = asked.ok ? asked.seq : 0;
    const scheduled: TrainerEvent = { type: 'command.scheduled', commandId: held.id, seq, step: 0, message: 'at 99' };
    await script.send(runId, 1, 2, scheduled);
    await hub.close();
    await start();
    expect((await view(runId)).status).toBe('running');
    const answer = await script.join({ runId, attempt: 1, lastCommandSeq: seq });
    // It has heard of the command, and is told again what it is to do later.
    expect(answer).toMatchObject({ holding: [{ ok: true, nextEvent: 3, commands: [{ seq, command: held }] }] });
    const other = new Script('other.py');
    await other.join();
    expect(await other.tryOpen(key)).toMatchObject({ ok: false, reason: 'state' });
    // A new attempt gets it too.
    await script.cut();
    expect(await other.open(key, { resume: 'must' })).toMatchObject({ runId, attempt: 2, commands: [{ seq, command: held }] });
  });

  it('that opened its run again by a write that failed and took effect, and died, has crashed', async () => {
    const first = new Script('train.py', 'first');
    await first.join();
    const { runId } = await first.open('the key of a run');
    hub.registry.gone(first.id, first);
    const { append } = store;
    store.append = async (write) => {
      await append(write);
      if (write.entries.some(({ event }) => event.type === 'run.assigned')) throw new Error('the outcome is unknown');
    };
    const second = new Script('train.py', 'second');
    await second.join();
    await expect(second.tryOpen('the key of a run', { resume: 'allow' })).rejects.toThrow('the outcome is unknown');
    store.append = append;
    hub.registry.gone(second.id, second);
    for (let waited = 0; waited < 2; waited++) {
      clock.advance(CRASHED_MS);
      await settle();
    }
    expect(await hub.view(runId)).toMatchObject({ attempt: 2, status: 'crashed' });
  });

  it('that is back after another went on with its run, and ended it, learns which one', async () => {
    const { script, runId } = await begun();
    await script.cut();
    const other = new Script('again.py');
    await other.join();
    await other.open(key, { resume: 'must' });
    await other.send(runId, 2, 0, { type: 'status', status: 'finished', step: 0, message: '' });
    const message = `run ${runId} is no longer this process's: again.py on ${other.registration.host} went on with it`;
    expect(await script.join({ runId, attempt: 1, lastCommandSeq: 0 })).toEqual({
      ok: true,
      holding: [{ runId, attempt: 1, ok: false, message }],
    });
  });

  it('and is not back after a restart of the server has crashed', async () => {
    const { runId } = await begun();
    await hub.close();
    await start();
    await advance(CRASHED_MS);
    expect((await view(runId)).status).toBe('crashed');
  });

  it('lets a stop take effect at once, also one that it did not declare, and learns of it when it is back', async () => {
    const { script, runId } = await begun();
    await script.send(runId, 1, 2, { ...runStarted(0, values), controls: { ...controls, actions: [] } } as TrainerEvent);
    await script.cut();
    expect(await hub.command(ada, stop(runId))).toMatchObject({ ok: true });
    expect(await view(runId)).toMatchObject({ status: 'stopped', statusMessage: 'stopped by Ada' });
    expect(await script.join({ runId, attempt: 1, lastCommandSeq: 0 })).toEqual({
      ok: true,
      holding: [{ runId, attempt: 1, ok: false, message: `run ${runId} is no longer this process's: stopped by Ada` }],
    });
    // In reach of its process, a stop is its process's affair.
    const again = await script.open(key, { resume: 'must' });
    expect(again).toMatchObject({ attempt: 2, state: { status: 'stopped' } });
    await script.send(runId, 2, 0, runStarted(0, values), running(0));
    await hub.command(ada, { ...stop(runId), id: 'second-stop' });
    expect(script.commands.map((c) => c.command.id)).toEqual(['second-stop']);
    expect((await view(runId)).status).toBe('running');
  });

  it('ends its run as failed with its traceback, which a new attempt takes away', async () => {
    const { script, runId } = await begun();
    const traceback = 'Traceback (most recent call last):\n  File "train.py", line 7\nValueError: no';
    await script.send(runId, 1, 2, { type: 'status', status: 'failed', step: 0, message: 'ValueError: no', traceback });
    expect(await view(runId)).toMatchObject({ status: 'failed', traceback });
    expect(hub.registry.holds(runId)).toBe(false);
    await script.open(key, { resume: 'allow' });
    expect((await view(runId)).traceback).toBeNull();
  });
});
