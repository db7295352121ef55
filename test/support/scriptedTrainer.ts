/** A trainer that plays synthetic runs (synthetic.ts) at a given pace and answers commands between steps, for demos and for tests of the page. */
import { setTimeout as pause } from 'node:timers/promises';
import type { LoggedCommand } from '~/shared/commands';
import type { TrainerEvent } from '~/shared/events';
import type { Assignment } from '~/shared/protocol';
import { metricsOf } from '~/trainer/run/metrics';
import { configOf } from './setups';
import { blobOf, refOf, runStarted, snapshot, startValues, steps, totalSteps, type Values } from './synthetic';
import { type Address, TrainerClient } from './trainerClient';

export interface ScriptedTrainer {
  close(): void;
}

/**
 * Accepts runs until it is closed; waits for them without a limit.
 * @param stepMs time per step; 0 = as fast as the server accepts steps
 * @param length steps of each run
 */
export async function startScriptedTrainer(
  address: Address,
  { stepMs, length = totalSteps }: { stepMs: number; length?: number },
): Promise<ScriptedTrainer> {
  const trainer = await TrainerClient.connect(address);
  const closed = new AbortController();
  void (async () => {
    while (!closed.signal.aborted) {
      trainer.ready();
      const assignment = await trainer.received.next('assign', Number.POSITIVE_INFINITY);
      await play(trainer, assignment, stepMs, length, closed.signal);
    }
  })().catch((error: unknown) => {
    if (!closed.signal.aborted) throw error;
  });
  return {
    close() {
      closed.abort();
      trainer.close();
    },
  };
}

async function play(
  trainer: TrainerClient,
  assignment: Assignment,
  stepMs: number,
  length: number,
  signal: AbortSignal,
): Promise<void> {
  const { runId, attempt, setup, resume } = assignment;
  trainer.run = { runId, attempt, next: 0 };
  const values: Values = startValues(setup);
  let step = resume?.step ?? 0;
  let lastCommandSeq = 0;
  let paused = false;
  const waiting = [...(resume?.replay.map((r) => r.logged) ?? []), ...assignment.commands];

  const snap = async (trigger: 'start' | 'cadence' | 'command' | 'end', commandId: string | null = null) => {
    const { blob, event } = snapshot(step, setup, trigger, commandId);
    await trainer.put(blob);
    await trainer.send(event);
  };
  const save = async (trigger: 'start' | 'cadence' | 'command' | 'end', commandId: string | null = null) => {
    const blob = blobOf(new TextEncoder().encode(`checkpoint of ${runId} at ${step}`));
    await trainer.put(blob);
    await trainer.send({
      type: 'checkpoint',
      step,
      blob: refOf(blob),
      trigger,
      commandId,
      lastCommandSeq,
    });
  };
  const evaluate = (
    split: 'validation' | 'test',
    trigger: 'cadence' | 'command' | 'end',
    commandId: string | null,
  ): TrainerEvent => ({
    type: 'evaluation',
    step,
    split,
    metrics: metricsOf(
      {},
      { loss: 2.3 * Math.exp(-step / 250), accuracy: 1 - 0.9 * Math.exp(-step / 250) },
      split === 'validation',
    ),
    examples: 1000,
    elapsedMs: 100,
    trigger,
    commandId,
    parametersStep: step,
  });

  /** @returns true when the command ends the run */
  async function answer({ seq, actor, command }: LoggedCommand): Promise<boolean> {
    lastCommandSeq = seq;
    const outcome = { commandId: command.id, seq, step };
    if (command.kind === 'set') {
      const before = values[command.control]!;
      if (command.expected !== undefined && command.expected !== before) {
        await trainer.send({
          type: 'command.refused',
          ...outcome,
          reason: 'conflict',
          message: `${command.control} is ${before} now`,
        });
        return false;
      }
      values[command.control] = command.value;
      await trainer.send({ type: 'command.applied', ...outcome, before, after: command.value, message: '' });
      return false;
    }
    await trainer.send({
      type: 'command.applied',
      ...outcome,
      before: null,
      after: null,
      message: `${command.action} for ${actor.name}`,
    });
    switch (command.action) {
      case 'pause':
        paused = true;
        await trainer.send({ type: 'status', status: 'paused', step, message: `paused by ${actor.name}` });
        break;
      case 'resume':
        paused = false;
        await trainer.send({ type: 'status', status: 'running', step, message: `resumed by ${actor.name}` });
        break;
      case 'snapshot':
        await snap('command', command.id);
        break;
      case 'checkpoint':
        await save('command', command.id);
        break;
      case 'evaluate':
        await trainer.send(evaluate(command.args.split === 'validation' ? 'validation' : 'test', 'command', command.id));
        break;
      case 'stop':
        await trainer.send({ type: 'status', status: 'stopped', step, message: `stopped by ${actor.name}` });
        return true;
    }
    return false;
  }

  await trainer.send(runStarted(step, values, length), { type: 'status', status: 'running', step, message: 'playing a script' });
  if (!resume) await snap('start');
  let due = performance.now();
  while (step < length && !signal.aborted) {
    for (const { runId: _runId, ...logged } of trainer.received.take('command')) waiting.push(logged);
    for (let logged = waiting.shift(); logged; logged = waiting.shift()) if (await answer(logged)) return;
    if (paused) {
      const { runId: _runId, ...logged } = await trainer.received.next('command', Number.POSITIVE_INFINITY);
      waiting.push(logged);
      continue;
    }
    await trainer.send(steps(step, 1, values));
    step++;
    if (step % (values.snapshotEverySteps as number) === 0) await snap('cadence');
    if (step % configOf(setup).checkpointEverySteps === 0) await save('cadence');
    if (step % 200 === 0) await trainer.send(evaluate('validation', 'cadence', null));
    if (stepMs > 0) {
      // By a schedule, so that the time a step takes here does not slow the pace. One that fell behind does not hurry for long.
      due = Math.max(due + stepMs, performance.now() - 10 * stepMs);
      await pause(Math.max(0, due - performance.now()));
    }
  }
  if (signal.aborted) return;
  await trainer.send(evaluate('validation', 'end', null), evaluate('test', 'end', null));
  await save('end');
  await trainer.send({ type: 'status', status: 'finished', step, message: 'the script is over' });
}
