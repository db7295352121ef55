/** Waits for runs and trains them one after the other; continues after a failed run. */

import { lastStepOf } from '~/shared/rows';
import type { OpenedBackend } from '~/trainer/backends/index';
import type { RunConfig } from '~/trainer/base/config';
import type { RecipeBook } from '~/trainer/recipes/book';
import type { SystemMetrics } from '~/trainer/run/system';
import type { TrainOptions } from '~/trainer/run/train';
import type { Turns } from '~/trainer/run/turns';
import type { TrainOutput } from '~/trainer/types';
import type { HeldRun, Link } from './index';

export interface Host {
  train(options: TrainOptions): AsyncGenerator<TrainOutput>;
  /** Makes the named backend tfjs' current one; `auto` uses this process's own choice. @throws when that backend cannot be used */
  open(backend: RunConfig['backend']): Promise<OpenedBackend>;
  recipes: RecipeBook;
  /** Called after a failed run. @throws when the backend is broken and only a new process helps */
  check(): Promise<void>;
  dataFolder: string;
  /** Work beside training: runs freely between runs, and during a run when the loop gives it a turn. */
  turns?: Turns;
  /** Metrics of the machine, logged with the run: a new object for each attempt. */
  system?: () => Pick<SystemMetrics, 'after'>;
  /** Fires when this process is not needed any more: it ends before the next run. */
  unneeded?: AbortSignal;
  log(line: string): void;
}

/** Trains assigned runs until `signal` fires (returns) or the link or the backend is broken (rejects). */
export async function serve(link: Link, host: Host, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let run: HeldRun;
    host.turns?.free();
    try {
      run = await link.assigned(host.unneeded ? AbortSignal.any([signal, host.unneeded]) : signal);
    } catch (error) {
      if (signal.aborted || host.unneeded?.aborted) return;
      throw error;
    }
    await host.turns?.hold();
    await trainOne(link, run, host, signal);
  }
}

async function trainOne(link: Link, run: HeldRun, host: Host, signal: AbortSignal): Promise<void> {
  const { runId, setup, resume } = run.assignment;
  const onAbort = () => run.close('the trainer process is ending');
  signal.addEventListener('abort', onAbort, { once: true });
  host.log(`run ${runId}: ${setup.name} (${setup.recipe?.name ?? 'no recipe'})${resume ? ` from step ${resume.step}` : ''}`);
  let step = resume?.step ?? 0;
  let ended = false;
  let failed = false;
  try {
    const { recipe, config } = host.recipes.of(setup);
    const options: TrainOptions = {
      recipe,
      config,
      backend: await host.open(config.backend),
      commands: run,
      resume: resume && { checkpoint: await link.blob(resume.blob.hash, run, signal), step: resume.step, replay: resume.replay },
      startFrom: config.startFrom === null ? null : await link.blob(config.startFrom, run, signal),
      dataFolder: host.dataFolder,
      runId,
      leave: signal,
      ...(host.turns && { turns: host.turns }),
    };
    const system = host.system?.();
    for await (const output of host.train(options)) {
      run.post(output);
      const { event } = output;
      if (event.type === 'rows') {
        step = lastStepOf(event) + 1;
        for (const told of system?.after(step - 1) ?? []) run.post({ event: told, blob: null });
      }
      if (event.type === 'status') {
        ended = event.status !== 'running' && event.status !== 'paused';
        failed = event.status === 'failed';
      }
      const heldUpMs = await link.room(run, signal);
      if (run.dropped !== null) break;
      if (heldUpMs > 100) run.post({ event: spoolWasFull(step, heldUpMs), blob: null });
    }
    if (!ended && run.dropped === null && !signal.aborted) throw new Error('training ended without saying how');
  } catch (error) {
    // The run ended from outside: by a signal, or because another trainer holds it now.
    if (run.dropped === null && !signal.aborted && !ended) {
      failed = true;
      host.log(`run ${runId} failed at step ${step}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      const message = (error instanceof Error ? error.message : String(error)).slice(0, 2000);
      run.post({ event: { type: 'status', status: 'failed', step, message }, blob: null });
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  if (!signal.aborted) run.end();
  if (failed) await host.check();
  if (run.dropped !== null) host.log(`run ${runId} dropped at step ${step}: ${run.dropped}`);
}

const spoolWasFull = (step: number, ms: number) =>
  ({
    type: 'alert',
    step,
    level: 'warning',
    kind: 'spool-full',
    message: `Training waited ${(ms / 1000).toFixed(1)} s: the trainer's spool was full (HEADROOM_SPOOL_BYTES) while the server was away, or its disk was.`,
  }) as const;
