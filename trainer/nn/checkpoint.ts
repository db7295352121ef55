/**
 * A checkpoint, the file that a run resumes from: a safetensors file that PyTorch can read:
 *
 *   <name>                      parameters under PyTorch's state-dict names and in its layout
 *   optimizer.m.<name>, .v.     Adam's moments, or SGD's momentum in m; absent before the first update
 *   best.<name>                 parameters of the best validation so far; absent when there is none or they equal <name>
 *   previous.attention          f32 [E, L, H, T, T], maps of the last snapshot; the drift of the next snapshot is measured against them
 *
 * Metadata: format, version, runId, recipe (its name), config (JSON), data (fingerprint of the examples' data, where the config does not name it), state (JSON in
 * shared/json.ts's tagging). Files of version 1 (program version 0.1) are read too: their config holds the recipe's name as task.kind. Random numbers are functions of (seed, step, position), so the
 * config's seed and the state's position are the complete random state. In PyTorch:
 *
 *   model.load_state_dict(safetensors.torch.load_file(path), strict=False)
 *
 * where strict=False makes PyTorch ignore the names with a prefix.
 */
import { z } from 'zod';
import { loggedCommand } from '~/shared/commands';
import { controlValue } from '~/shared/controls';
import { metric, trigger } from '~/shared/events';
import { actor, commandId, runId, step } from '~/shared/ids';
import { parse, stringify } from '~/shared/json';
import { upgradeCheckpoint01 } from '~/shared/legacy';
import {
  parseSafetensors,
  SafetensorsError,
  type StoredTensor,
  serializeSafetensors,
  type TensorFile,
} from '~/shared/safetensors';
import { recipeName } from '~/shared/setup';
import { anyConfig, type RunConfig } from '~/trainer/base/config';
import { split } from '~/trainer/base/splits';
import type { LearnerState, ParamSpec } from '~/trainer/types';

const format = 'headroom-checkpoint';
const version = '2';
const own = { m: 'optimizer.m.', v: 'optimizer.v.', best: 'best.', previous: 'previous.attention' } as const;

/** A requested evaluation that is not finished. */
export const pendingEvaluation = z.strictObject({ split, trigger, commandId: commandId.nullable() });
export type PendingEvaluation = z.infer<typeof pendingEvaluation>;

/** The state of a run without its config and vectors. */
const savedState = z.strictObject({
  step,
  position: z.strictObject({ epoch: z.int().nonnegative(), index: z.int().nonnegative() }),
  /** Updates that the moments contain: Adam's t. */
  updates: z.int().nonnegative(),
  lastCommandSeq: z.int().nonnegative(),
  /** Commands that wait for their condition, in log order. */
  held: z.array(loggedCommand),
  values: z.record(z.string(), z.strictObject({ value: controlValue, changedBy: actor.nullable(), changedAtStep: step })),
  best: z.strictObject({ step, loss: metric, accuracy: metric }).nullable(),
  /** The last validation that the schedule asked for. */
  validated: z.strictObject({ step, loss: metric.default(Number.NaN), accuracy: metric }).nullable(),
  /** The newest result per set, whoever requested it; conditions use these. */
  newestEvaluations: z.partialRecord(split, z.strictObject({ loss: metric, accuracy: metric })),
  evaluationsSinceBest: z.int().nonnegative(),
  /** Why the last validation ends the run; null = the run continues. */
  enough: z.string().nullable().default(null),
  /** Examples of the last snapshot, in the notation of the control `probeExamples`. */
  previousProbe: z.string().nullable(),
  /** The loss or gradient of the last update was not finite; this has been reported. */
  notFinite: z.boolean(),
  paused: z.boolean(),
  /** Updates until the next pause; null = no limit. */
  stepsToPause: z.int().positive().nullable(),
  pending: z.array(pendingEvaluation),
  /** Questions about the parameters that are not answered yet. */
  asked: z.array(z.strictObject({ action: z.string(), args: z.record(z.string(), controlValue), commandId })).default([]),
  /** The network must write its texts before the next update. */
  samplesDue: z.boolean().default(false),
  /** Step of an extra snapshot after a snapshot with large drift; null = none. */
  driftSnapshotAt: step.nullable().default(null),
  /** Why a checkpoint is still to be written before the next update. */
  checkpointDue: trigger.nullable(),
  ended: z.strictObject({ status: z.enum(['finished', 'stopped']), message: z.string() }).nullable(),
});
export type RunState = Omit<z.infer<typeof savedState>, 'previousProbe'>;

export interface Checkpoint {
  runId: string | null;
  /** The recipe's name. */
  recipe: string;
  config: RunConfig;
  /** Task.fingerprint; null = the config describes the data completely. */
  fingerprint: string | null;
  state: RunState;
  learner: LearnerState;
  /** Parameters of `state.best`. */
  best: Float32Array | null;
  /** The last snapshot: its examples in the notation of the control `probeExamples`, and its maps [E, L, H, T, T]. */
  previous: { probe: string | null; shape: number[]; maps: Float32Array } | null;
}

/** The file cannot be used; the message says why and what file would fit. */
export class CheckpointError extends Error {
  override name = 'CheckpointError';
}

export function encodeCheckpoint(params: readonly ParamSpec[], checkpoint: Checkpoint): Uint8Array {
  const { state, learner, best, previous } = checkpoint;
  const named = (prefix: string, flat: Float32Array | null) =>
    flat
      ? params.map((p) => [prefix + p.name, { shape: p.shape, data: flat.subarray(p.offset, p.offset + p.size) }] as const)
      : [];
  return serializeSafetensors(
    [
      ...named('', learner.params),
      ...named(own.m, learner.m),
      ...named(own.v, learner.v),
      ...named(own.best, state.best && state.best.step !== state.step ? best : null),
      ...(previous ? [[own.previous, { shape: previous.shape, data: previous.maps }] as const] : []),
    ],
    {
      format,
      version,
      ...(checkpoint.runId !== null && { runId: checkpoint.runId }),
      recipe: checkpoint.recipe,
      ...(checkpoint.fingerprint !== null && { data: checkpoint.fingerprint }),
      config: JSON.stringify(checkpoint.config),
      // Parsed so that the keys are in one order: equal states give equal bytes.
      state: stringify(savedState.parse({ ...state, previousProbe: previous?.probe ?? null })),
    },
  );
}

/** Recipe, config and step of a checkpoint, read without its tensors. @throws CheckpointError when it is corrupt or of another format */
export function describeCheckpoint(bytes: Uint8Array): { recipe: string; config: RunConfig; step: number } {
  const { recipe, config, saved } = readMetadata(read(bytes).metadata);
  return { recipe, config, step: saved.step };
}

function readMetadata(metadata: Record<string, string>) {
  if (metadata.format !== format)
    throw new CheckpointError(
      'not a checkpoint of Headroom: its metadata has no format "headroom-checkpoint". A file of parameters alone can start a run, not resume one',
    );
  const json = (key: string, toData: (text: string) => unknown) => dataOf(key, metadata[key], toData);
  const raw = { recipe: metadata.recipe as unknown, config: json('config', JSON.parse), state: json('state', parse) };
  const of = metadata.version === '1' ? upgradeCheckpoint01(raw) : raw;
  if (metadata.version !== '1' && metadata.version !== version)
    throw new CheckpointError(
      `checkpoint version ${metadata.version ?? '(none)'}: this trainer reads versions 1 and ${version}; update Headroom to use it`,
    );
  return {
    recipe: parsed('recipe', recipeName, of.recipe),
    config: parsed('config', anyConfig, of.config),
    saved: parsed('state', savedState, of.state),
    runId: metadata.runId === undefined ? null : parsed('runId', runId, metadata.runId),
    fingerprint: metadata.data ?? null,
  };
}

/**
 * @param agrees called with the checkpoint's description before its tensors are read; throws when the checkpoint does not fit the run
 * @throws CheckpointError when the bytes are corrupt, truncated, of another format, or of a network with a shape other than `params`
 */
export function decodeCheckpoint(
  params: readonly ParamSpec[],
  bytes: Uint8Array,
  agrees: (of: Pick<Checkpoint, 'recipe' | 'config' | 'fingerprint'>) => void = () => {},
): Checkpoint {
  const { tensors, metadata } = read(bytes);
  const { recipe, config, fingerprint, saved, runId: id } = readMetadata(metadata);
  const { previousProbe, ...state } = saved;
  agrees({ recipe, config, fingerprint });

  const used = new Set<string>();
  const vector = (prefix: string) => flat(params, tensors, prefix, used);
  const optional = (prefix: string) => (tensors.has(prefix + params[0]!.name) ? vector(prefix) : null);
  const learner: LearnerState = { params: vector(''), m: optional(own.m), v: optional(own.v), updates: state.updates };
  const best = optional(own.best) ?? (state.best?.step === state.step ? learner.params.slice() : null);
  if (state.best && !best)
    throw new CheckpointError(`corrupt checkpoint: the parameters of the best step ${state.best.step} are missing`);
  const maps = tensors.get(own.previous);
  if (maps) used.add(own.previous);
  refuseForeign(tensors, used);
  return {
    runId: id,
    recipe,
    config,
    fingerprint,
    state,
    learner,
    best: state.best ? best : null,
    previous: maps ? { probe: previousProbe, shape: maps.shape, maps: floats(own.previous, maps).slice() } : null,
  };
}

/**
 * Only the parameters, to start a run from: a state dict that PyTorch saved, or the parameters of one of our checkpoints.
 * @throws CheckpointError naming the tensors that are missing, unknown or of another shape
 */
export function parametersOf(params: readonly ParamSpec[], bytes: Uint8Array): Float32Array {
  try {
    const { tensors, metadata } = read(bytes);
    const used = new Set<string>();
    if (metadata.format === format) for (const name of tensors.keys()) if (isOwn(name)) used.add(name);
    const vector = flat(params, tensors, '', used);
    refuseForeign(tensors, used);
    return vector;
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    const { message: reason } = error;
    throw new CheckpointError(`startFrom: ${reason}; give a safetensors file of a network with the same layers and sizes`, {
      cause: error,
    });
  }
}

const isOwn = (name: string) => Object.values(own).some((prefix) => name.startsWith(prefix));

function read(bytes: Uint8Array): TensorFile {
  try {
    return parseSafetensors(bytes);
  } catch (error) {
    if (error instanceof SafetensorsError) throw new CheckpointError(error.message, { cause: error });
    throw error;
  }
}

function dataOf(key: string, text: string | undefined, toData: (text: string) => unknown): unknown {
  if (text === undefined) throw new CheckpointError(`corrupt checkpoint: its metadata has no "${key}"`);
  try {
    return toData(text);
  } catch {
    throw new CheckpointError(`corrupt checkpoint: "${key}" in its metadata is not JSON`);
  }
}

function parsed<T>(key: string, schema: z.ZodType<T>, data: unknown): T {
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw new CheckpointError(`corrupt checkpoint: ${[key, ...issue.path].join('.')}: ${issue.message}`);
}

/** The parameters' tensors as one vector, in the order of `params`. */
function flat(params: readonly ParamSpec[], tensors: Map<string, StoredTensor>, prefix: string, used: Set<string>): Float32Array {
  const out = new Float32Array(params.reduce((n, p) => n + p.size, 0));
  const missing = params.filter((p) => !tensors.has(prefix + p.name)).map((p) => prefix + p.name);
  if (missing.length > 0) throw new CheckpointError(`the file lacks ${list(missing)} of the run's network`);
  for (const p of params) {
    const name = prefix + p.name;
    const tensor = tensors.get(name)!;
    if (tensor.shape.join() !== p.shape.join())
      throw new CheckpointError(
        `tensor "${name}": the file has shape [${tensor.shape.join(', ')}], the run's network [${p.shape.join(', ')}]`,
      );
    out.set(floats(name, tensor), p.offset);
    used.add(name);
  }
  return out;
}

function floats(name: string, { dtype, data }: StoredTensor): Float32Array {
  if (data instanceof Float32Array) return data;
  if (data instanceof Float64Array) return Float32Array.from(data);
  throw new CheckpointError(`tensor "${name}": dtype ${dtype} is no floating-point number`);
}

function refuseForeign(tensors: Map<string, StoredTensor>, used: Set<string>): void {
  const foreign = [...tensors.keys()].filter((name) => !used.has(name));
  if (foreign.length > 0) throw new CheckpointError(`the file holds ${list(foreign)}, which the run's network has not`);
}

/** The first few of many names. */
function list(names: string[]): string {
  const shown = names.slice(0, 3).map((name) => `"${name}"`);
  return names.length > 3 ? `${shown.join(', ')} and ${names.length - 3} more` : shown.join(', ');
}
