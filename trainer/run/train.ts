import { setImmediate } from 'node:timers/promises';
import type { OpenedBackend } from '~/trainer/backends/types';
import type { RunConfig } from '~/trainer/base/config';
import { CheckpointError } from '~/trainer/nn/checkpoint';
import { createLearner } from '~/trainer/nn/learner';
import type { Recipe } from '~/trainer/recipes/define';
import type { CommandSource, Learner, ModelShape, TrainOutput } from '~/trainer/types';
import { Inbox, type Replay } from './inbox';
import type { Origin } from './origin';
import { Run } from './run';
import { checkSizes } from './taskRules';
import type { Turns } from './turns';

export interface TrainOptions {
  recipe: Recipe;
  /** Fits the recipe. */
  config: RunConfig;
  backend: OpenedBackend;
  commands: CommandSource;
  /**
   * Where to continue, and the commands that have taken effect since, to be applied again at their recorded step.
   * `checkpoint` null = from the start: the whole log is replayed. `given`: paths of fields whose value in `config` holds, whatever people set before the checkpoint.
   */
  resume: { checkpoint: Uint8Array | null; step: number; replay: Replay; given?: ReadonlySet<string> } | null;
  /** The file that `config.startFrom` names. */
  startFrom: Uint8Array | null;
  /** Folder of downloaded pictures and features. */
  dataFolder: string;
  /** Written into snapshots and checkpoints; a checkpoint of the same run also restores pause and end. */
  runId?: string | null;
  /** Milliseconds, for throughput and durations only. */
  clock?: () => number;
  createLearner?: typeof createLearner;
  /** Fires when the process must end: the run writes a checkpoint before its next update, and another process continues it. */
  leave?: AbortSignal;
  /** Work beside this run: gets one turn between two updates, and turns all the time while the run is paused. */
  turns?: Turns;
}

/**
 * Trains one run and yields everything that happens, in order. Commands are taken between two updates, and answered while paused.
 *
 * Every iteration lets the event loop turn once, so that messages to the process arrive; no iteration waits for time to pass. Ends after the
 * status finished, stopped or failed; or without a status when the command source is closed or the consumer returns.
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainOutput, void, void> {
  let learner: Learner | null = null;
  try {
    let run: Run;
    try {
      ({ run, learner } = await open(options));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      yield {
        event: { type: 'status', status: 'failed', step: options.resume?.step ?? 0, message: message.slice(0, 2000) },
        blob: null,
      };
      return;
    }
    try {
      yield* loop(run, options);
    } catch (error) {
      run.fail(error);
    }
    yield* run.output.drain(true);
  } finally {
    learner?.dispose();
  }
}

async function open(options: TrainOptions): Promise<{ run: Run; learner: Learner }> {
  const { recipe, config, backend, runId = null, clock = () => performance.now() } = options;
  const task = await recipe.open(config, options.dataFolder);
  checkSizes(task, config.batchSize);
  const { modelDim, layers, heads } = config.model;
  const shape: ModelShape = { ...task.shape, modelDim, layers, heads };
  const learner = await (options.createLearner ?? createLearner)({
    shape,
    seed: config.seed,
    optimizer: config.optimizer.kind,
    backend,
  });
  try {
    return {
      run: new Run({ recipe: recipe.spec.name, config, runId, task, shape, learner, backend, clock }, origin(options)),
      learner,
    };
  } catch (error) {
    learner.dispose();
    throw error;
  }
}

function origin({ config, resume, startFrom }: TrainOptions): Origin {
  if (resume?.checkpoint) {
    const { checkpoint: bytes, step, given } = resume;
    return { kind: 'checkpoint', bytes, step, ...(given && { given }) };
  }
  if (startFrom) return { kind: 'parameters', bytes: startFrom };
  if (config.startFrom !== null) throw new CheckpointError(`startFrom: the file ${config.startFrom} was not found`);
  return { kind: 'random' };
}

async function* loop(run: Run, { commands, resume, leave, turns }: TrainOptions): AsyncGenerator<TrainOutput, void, void> {
  const inbox = new Inbox(run, commands, resume?.replay ?? []);
  await run.begin();
  yield* run.output.drain(true);
  while (!run.ended) {
    if (!(yield* boundary(run, inbox, leave, turns))) {
      // During a replay the log already contains a later state, so no checkpoint is written.
      if (leave?.aborted && !inbox.replaying) await run.leave();
      return;
    }
    const reason = run.endReason();
    if (run.stopped) await run.finishStopped();
    else if (reason !== null) {
      for await (const _part of run.finish(reason)) {
        yield* run.output.drain(true);
        await setImmediate();
        await turns?.once();
      }
    } else {
      await run.leaveBoundary();
      await run.update();
    }
    yield* run.output.drain(false);
  }
  await inbox.hear();
}

/**
 * All work between two updates: commands, questions and evaluations; lasts as long as the run is paused.
 * @returns false when the command source was closed, or the process must end
 */
async function* boundary(run: Run, inbox: Inbox, leave?: AbortSignal, turns?: Turns): AsyncGenerator<TrainOutput, boolean, void> {
  for (;;) {
    await setImmediate();
    if (leave?.aborted) return false;
    await turns?.once();
    await inbox.hear();
    if (run.measuring) await run.measureSlice();
    else if (run.stopped || !run.paused) return true;
    else if (inbox.replaying) run.resume(null, 'the recorded run went on from here');
    else {
      yield* run.output.drain(true);
      turns?.free();
      const open = await inbox.wait();
      await turns?.hold();
      if (!open) return false;
    }
    yield* run.output.drain(false);
  }
}
