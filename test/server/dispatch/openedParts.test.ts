import { beforeEach, describe, expect, it } from 'vitest';
import type { Command } from '~/shared/commands';
import type { TrainerEvent } from '~/shared/events';
import { ada, begun, errors, freshHub, hub, kept, key, running, Script, values, view } from '~/test/support/ownHub';
import { publishedSetup } from '~/test/support/setups';
import { controls, runStarted, steps } from '~/test/support/synthetic';

beforeEach(freshHub);

describe('what takes a part of the script', () => {
  it('going back and branching are refused with how to start the script', async () => {
    const { script, runId } = await begun();
    await script.send(runId, 1, 2, steps(0, 4, values));
    const back = await hub.revert(ada, { runId, checkpoint: 'a'.repeat(64) });
    expect(back).toMatchObject({ ok: false, reason: 'state', message: expect.stringContaining('resume = "must"') });
    const command: Command = { kind: 'act', id: 'back-command', runId, action: 'revert', args: { step: 0 } };
    expect(await hub.command(ada, command)).toMatchObject({ ok: false, reason: 'state' });
    const branch = await hub.branch(ada, { runId, checkpoint: null, name: 'b', changes: [], repeat: null });
    expect(branch).toMatchObject({
      ok: false,
      reason: 'state',
      message: expect.stringContaining(`fork = {"runId": "${runId}", "step": 4}`),
    });
  });

  it('an action that the script declares for going back is the script’s: the server only hands it over', async () => {
    const script = new Script();
    await script.join();
    const { runId } = await script.open(key);
    const own = { name: 'revert', label: 'Go back', help: '', args: [], risky: true };
    const started = { ...runStarted(0, values), controls: { ...controls, actions: [...controls.actions, own] } } as TrainerEvent;
    await script.send(runId, 1, 0, started, running(0), steps(0, 3, values));
    const command: Command = { kind: 'act', id: 'back-command', runId, action: 'revert', args: {} };
    const asked = await hub.command(ada, command);
    expect(script.commands.map((c) => c.command)).toEqual([command]);
    const seq = asked.ok ? asked.seq : 0;
    const done: TrainerEvent = {
      type: 'command.applied',
      commandId: command.id,
      seq,
      step: 3,
      before: null,
      after: null,
      message: '',
    };
    expect(await script.send(runId, 1, 5, done, steps(3, 1, values))).toEqual({ ok: true, nextEvent: 7 });
    expect(await view(runId)).toMatchObject({ status: 'running', pendingRevert: null, step: 4 });
  });

  it('a script’s action of the role revert, whatever its name, is what going back means; its stop too works while it is away', async () => {
    const script = new Script();
    await script.join();
    const { runId } = await script.open(key);
    const arg = { ...controls.values[0]!, name: 'step', type: 'integer' as const, min: null, exclusiveMin: false };
    const action = { help: '', risky: true };
    const actions = [
      { ...action, name: 'back/to', label: 'Back', role: 'revert' as const, args: [arg] },
      { ...action, name: 'halt', label: 'Halt', role: 'stop' as const, args: [] },
    ];
    const began = { ...runStarted(0, values), controls: { ...controls, actions } };
    const blob = { hash: 'a'.repeat(64), bytes: 1 };
    const saved: TrainerEvent = { type: 'checkpoint', step: 3, blob, trigger: 'cadence', commandId: null, lastCommandSeq: 0 };
    expect(await script.send(runId, 1, 0, began, running(0), steps(0, 3, values), saved)).toMatchObject({ ok: true });
    expect(await hub.revert(ada, { runId, checkpoint: blob.hash, commandId: 'back-command' })).toMatchObject({ ok: true });
    expect(script.commands.map((c) => c.command)).toEqual([
      { kind: 'act', id: 'back-command', runId, action: 'back/to', args: { step: 3 } },
    ]);
    await script.cut();
    expect(await hub.command(ada, { kind: 'act', id: 'halt-command', runId, action: 'halt', args: {} })).toMatchObject({
      ok: true,
    });
    expect((await view(runId)).status).toBe('stopped');
  });

  it('a checkpoint that the script keeps itself is named by its reference, which a way back and a branch hand to the script', async () => {
    const script = new Script();
    await script.join();
    const { runId } = await script.open(key);
    const arg = (name: string) => ({ ...controls.values[0]!, name, type: 'text' as const, min: null, exclusiveMin: false });
    const action = (name: string, role: 'revert' | 'branch', ...args: string[]) => ({
      ...{ name, label: name, role, help: '', risky: true, args: args.map(arg) },
    });
    const actions = [action('back', 'revert', 'reference'), action('fork', 'branch', 'reference', 'name')];
    const began = { ...runStarted(0, values), controls: { ...controls, actions } };
    const reference = 's3://models/step-3.pt';
    const saved = { type: 'checkpoint', step: 3, reference } as unknown as TrainerEvent;
    const both = { ...saved, step: 4, blob: { hash: 'a'.repeat(64), bytes: 1 } } as TrainerEvent;
    await script.send(runId, 1, 0, began, running(0), steps(0, 3, values), saved, both);
    const now = await view(runId);
    const hash = now.lastCheckpoint!.blob.hash;
    expect(kept.get(hash)).toBe(reference);
    expect(now.recent.checkpoints.items).toMatchObject([{ step: 3, reference, blob: { hash, bytes: reference.length } }]);
    expect(now.recent.alerts.items.at(-1)!.message).toBe(
      'event 6 (checkpoint): reference: give the blob or the reference, not both',
    );

    expect(await hub.revert(ada, { runId, checkpoint: hash, commandId: 'back-command' })).toMatchObject({ ok: true });
    const branch = { runId, checkpoint: hash, name: 'warmer', changes: [], repeat: null };
    expect(await hub.branch(ada, branch)).toEqual({ ok: true, runId: null });
    expect(script.commands.map(({ command }) => command)).toEqual([
      { kind: 'act', id: 'back-command', runId, action: 'back', args: { reference } },
      { kind: 'act', id: expect.any(String), runId, action: 'fork', args: { reference, name: 'warmer' } },
    ]);
    expect(await hub.branch(ada, { ...branch, changes: [{ control: 'learningRate', value: 1 }] })).toMatchObject({
      ok: false,
      message: 'changes: a script branches its run as it is; change and repeat nothing',
    });
  });

  it('a series declared as the main metric says how good the run is; what a rewind takes back is its best no longer', async () => {
    const { script, runId } = await begun();
    const columns = [{ name: 'dev/bleu', better: 'higher' as const, main: true }];
    const bleu = (first: number, ...values: number[]): TrainerEvent => ({
      type: 'rows',
      stream: 'dev',
      steps: { first, count: values.length },
      values: Float64Array.from(values),
    });
    const results = () => hub.summaries().map(({ best, evaluated }) => [best?.name, best?.split, best?.value, evaluated?.value]);
    await script.send(runId, 1, 2, { type: 'series', stream: 'dev', columns }, bleu(0, 10, 31, Number.NaN, 20, 31, 42, 12));
    expect((await view(runId)).bestRow).toEqual({ name: 'dev/bleu', step: 5, value: 42 });
    expect(results()).toEqual([['dev/bleu', null, 42, 12]]);
    await script.send(runId, 1, 10, { type: 'rewind', step: 5 }, bleu(5, 30));
    expect((await view(runId)).bestRow).toEqual({ name: 'dev/bleu', step: 1, value: 31 });
    expect(results()).toEqual([['dev/bleu', null, 31, 30]]);
    await script.send(runId, 1, 12, { type: 'rewind', step: 0 });
    expect((await view(runId)).bestRow).toBeNull();
  });

  it('a run without a recipe cannot be started from here', async () => {
    await expect(hub.create(ada, { ...publishedSetup('reverse'), recipe: null })).rejects.toThrow('needs a recipe');
    expect(errors).toEqual([]);
  });
});
