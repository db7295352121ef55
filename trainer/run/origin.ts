/** What a run starts from: random parameters, a file of parameters, or a checkpoint. */
import type { RunConfig } from '~/shared/config';
import { controlValueError } from '~/shared/controls';
import { type Checkpoint, CheckpointError, decodeCheckpoint } from '~/trainer/nn/checkpoint';
import type { ParamSpec } from '~/trainer/types';
import type { Change } from './commands';
import type { Control, Settings } from './controls';

export type Origin =
  | { kind: 'random' }
  /** Parameters alone. */
  | { kind: 'parameters'; bytes: Uint8Array }
  /** `step` is what the log says the checkpoint's is. */
  | { kind: 'checkpoint'; bytes: Uint8Array; step: number };

/** What the checkpoint of one run and the config of the run that goes on from it must have in common. */
const fixed: [string, (c: RunConfig) => unknown][] = [
  ['task', (c) => c.task],
  ['model.layers', (c) => c.model.layers],
  ['model.heads', (c) => c.model.heads],
  ['model.modelDim', (c) => c.model.modelDim],
  ['optimizer.kind', (c) => c.optimizer.kind],
];

/** @throws CheckpointError when the file is no checkpoint, or one that `config` cannot go on from */
export function openCheckpoint(bytes: Uint8Array, step: number, config: RunConfig, params: readonly ParamSpec[]): Checkpoint {
  const checkpoint = decodeCheckpoint(params, bytes, (theirs) => {
    for (const [name, of] of fixed) {
      const [there, here] = [JSON.stringify(of(theirs)), JSON.stringify(of(config))];
      if (there !== here)
        throw new CheckpointError(
          `${name}: the checkpoint has ${there}, the run ${here}; they must be the same to go on from it`,
        );
    }
  });
  if (checkpoint.state.step !== step)
    throw new CheckpointError(`the checkpoint is of step ${checkpoint.state.step}, the run is to go on from step ${step}`);
  return checkpoint;
}

/**
 * Values as they were steered; where the run's config differs from the checkpoint's (a branch with changes), the config holds.
 * @throws CheckpointError when a saved value does not fit its control
 */
export function restoreSettings(
  { config, state }: Checkpoint,
  controls: readonly Control[],
  settings: Settings,
  changes: Map<string, Change>,
): void {
  const theirs: Settings = { config, probeExamples: null, snapshotDrift: null };
  for (const { spec, read, write } of controls) {
    const saved = state.values[spec.name];
    if (!saved || !Object.is(read(theirs), read(settings))) continue;
    const error = controlValueError(spec, saved.value);
    if (error) throw new CheckpointError(`corrupt checkpoint: ${error}`);
    write(settings, saved.value);
    if (saved.changedBy) changes.set(spec.name, { by: saved.changedBy, step: saved.changedAtStep });
  }
}
