/** The starting point of a run: random parameters, a file of parameters, or a checkpoint. */

import { canonical } from '~/shared/canonical';
import { controlValueError } from '~/shared/controlValues';
import type { RunConfig } from '~/trainer/base/config';
import { type Checkpoint, CheckpointError, decodeCheckpoint } from '~/trainer/nn/checkpoint';
import type { ParamSpec, Task } from '~/trainer/types';
import type { Change } from './commands';
import type { Control, Settings } from './controls';

export type Origin =
  | { kind: 'random' }
  /** Only parameters. */
  | { kind: 'parameters'; bytes: Uint8Array }
  /** `step`: the checkpoint's step according to the log. `given`: as in TrainOptions. */
  | { kind: 'checkpoint'; bytes: Uint8Array; step: number; given?: ReadonlySet<string> };

/** The run whose examples and network a checkpoint must match. */
export interface Resumed {
  /** The recipe's name. */
  recipe: string;
  config: RunConfig;
  task: Pick<Task, 'fingerprint'>;
}

/** By name, what must be equal in a checkpoint and in the run that continues from it. */
const fixed = ({ recipe, config: { task, model, optimizer } }: Pick<Resumed, 'recipe' | 'config'>): Record<string, unknown> => ({
  recipe,
  ...Object.fromEntries(Object.entries(task).map(([name, value]) => [`task.${name}`, value])),
  'model.layers': model.layers,
  'model.heads': model.heads,
  'model.modelDim': model.modelDim,
  'optimizer.kind': optimizer.kind,
});

/** @throws CheckpointError when the file is not a checkpoint, or the run cannot continue from it */
export function openCheckpoint(bytes: Uint8Array, step: number, run: Resumed, params: readonly ParamSpec[]): Checkpoint {
  const checkpoint = decodeCheckpoint(params, bytes, (theirs) => {
    const [checkpointed, asked] = [fixed(theirs), fixed(run)];
    for (const name of new Set([...Object.keys(checkpointed), ...Object.keys(asked)])) {
      const [there, here] = [checkpointed[name], asked[name]].map((value) => (value === undefined ? 'none' : canonical(value)));
      if (there !== here)
        throw new CheckpointError(
          `${name}: the checkpoint has ${there}, the run ${here}; they must be the same to go on from it`,
        );
    }
    if (theirs.fingerprint !== (run.task.fingerprint ?? null))
      throw new CheckpointError(
        'the data has changed since the checkpoint; put the old file back, or start a new run from its parameters',
      );
  });
  if (checkpoint.state.step !== step)
    throw new CheckpointError(`the checkpoint is of step ${checkpoint.state.step}, the run is to go on from step ${step}`);
  return checkpoint;
}

/**
 * Restores values that people changed; where the run's config differs from the checkpoint's (a branch with changes), or was given for the way from here
 * on, the config wins.
 * @throws CheckpointError when a saved value does not fit its control
 */
export function restoreSettings(
  { config, state }: Checkpoint,
  controls: readonly Control[],
  settings: Settings,
  changes: Map<string, Change>,
  given?: ReadonlySet<string>,
): void {
  const theirs: Settings = { config, probeExamples: null, snapshotDrift: null };
  for (const { spec, path, read, write } of controls) {
    const saved = state.values[spec.name];
    if (!saved || (path !== undefined && given?.has(path)) || !Object.is(read(theirs), read(settings))) continue;
    const error = controlValueError(spec, saved.value);
    if (error) throw new CheckpointError(`corrupt checkpoint: ${error}`);
    write(settings, saved.value);
    if (saved.changedBy) changes.set(spec.name, { by: saved.changedBy, step: saved.changedAtStep });
  }
}
