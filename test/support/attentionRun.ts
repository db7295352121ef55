/** Synthetic runs with attention of any size, whose heads learn their patterns one after the other, for benches, tests and screenshots. */
import type { TrainerEvent } from '~/shared/events';
import type { RunSetup } from '~/shared/setup';
import { gzipPiece } from '~/trainer/base/gzip';
import { itemSignal, patternSignal } from '~/trainer/nn/signals';
import { encodePictures, encodeSnapshot } from '~/trainer/nn/snapshot';
import type { Probe } from '~/trainer/types';
import { publishedConfig, publishedSetup } from './setups';
import { type Blob, blobOf, noise, refOf, runStarted, startValues, steps } from './synthetic';
import { type Address, TrainerClient } from './trainerClient';

export interface AttentionRun {
  task: 'reverse' | 'anomaly';
  layers: number;
  heads: number;
  /** Positions, or images in a set. */
  length: number;
  examples: number;
  snapshotEverySteps: number;
  pictures?: boolean;
}

export function attentionSetup(run: AttentionRun, name: string): RunSetup {
  const config = publishedConfig(run.task);
  config.task[run.task === 'reverse' ? 'seqLen' : 'setSize'] = run.length;
  config.model.layers = run.layers;
  config.model.heads = run.heads;
  config.model.modelDim = run.heads * 2 * Math.ceil(32 / run.heads);
  config.probeSize = run.examples;
  config.snapshotEverySteps = run.snapshotEverySteps;
  return publishedSetup(run.task, config, { name });
}

/** Where a trained head looks: late heads at the mirrored position or the odd item, others at the previous position, one key, or anywhere. */
function target(run: AttentionRun, example: number, layer: number, head: number, query: number): number | null {
  const { task, layers, length: T } = run;
  if (layer === layers - 1 && head % 4 !== 3) return task === 'reverse' ? T - 1 - query : oddOf(run, example);
  switch ((layer + head) % 4) {
    case 0:
      return Math.max(0, query - 1);
    case 1:
      return query;
    case 2:
      return (layer * 3 + head) % T;
    default:
      return null;
  }
}

const oddOf = (run: AttentionRun, example: number): number => (3 + 4 * example) % run.length;

/** [E, L, H, T, T] */
export function attentionMaps(run: AttentionRun, step: number): Float32Array {
  const { layers, heads, length: T, examples } = run;
  const maps = new Float32Array(examples * layers * heads * T * T);
  const row = new Float64Array(T);
  let at = 0;
  for (let e = 0; e < examples; e++)
    for (let l = 0; l < layers; l++)
      for (let h = 0; h < heads; h++) {
        const onset = 100 + 60 * noise(l, h);
        const sharp = 8 / (1 + Math.exp(-(step - onset) / 30));
        for (let i = 0; i < T; i++, at += T) {
          const aim = target(run, e, l, h, i);
          let sum = 0;
          for (let j = 0; j < T; j++) {
            row[j] = Math.exp(1.2 * noise(e, l * 97 + h, i, j) + (aim === j ? sharp * (0.6 + 0.4 * noise(l, h, i)) : 0));
            sum += row[j]!;
          }
          for (let j = 0; j < T; j++) maps[at + j] = row[j]! / sum;
        }
      }
  return maps;
}

function picture(kind: number, variant: number): Uint8Array {
  const rgb = new Uint8Array(32 * 32 * 3);
  for (let y = 0; y < 32; y++)
    for (let x = 0; x < 32; x++) {
      const inside =
        kind % 2 === 0 ? Math.hypot(x - 16, y - 16) < 8 + 3 * noise(variant) : Math.abs(x - 16) + Math.abs(y - 16) < 11;
      for (let c = 0; c < 3; c++)
        rgb[(y * 32 + x) * 3 + c] = inside
          ? 255 * noise(kind, c, 5)
          : 40 + 60 * noise(kind, c) + 25 * noise(variant, x >> 2, y >> 2);
    }
  return rgb;
}

function examplePictures(run: AttentionRun): Uint8Array {
  const out = new Uint8Array(run.examples * run.length * 32 * 32 * 3);
  for (let e = 0; e < run.examples; e++)
    for (let i = 0; i < run.length; i++)
      out.set(picture(i === oddOf(run, e) ? 2 * e + 1 : 2 * e, e * run.length + i), (e * run.length + i) * 32 * 32 * 3);
  return out;
}

/** One snapshot as the trainer writes it, its event, and the file of its pictures. */
export async function attentionSnapshot(
  run: AttentionRun,
  step: number,
  previous: Float32Array | null,
): Promise<{ blob: Blob; pictures: Blob | null; event: TrainerEvent; maps: Float32Array }> {
  const { task, layers, heads, length: T, examples: E } = run;
  const maps = attentionMaps(run, step);
  const perPosition = task === 'reverse';
  const choices = perPosition ? 10 : T;
  const digits = Int32Array.from({ length: E * T }, (_, n) => Math.floor(10 * noise(n, 77)));
  const labels = perPosition
    ? Int32Array.from(digits, (_, n) => digits[n - (n % T) + T - 1 - (n % T)]!)
    : Int32Array.from({ length: E }, (_, e) => oddOf(run, e));
  const learnt = 1 - Math.exp(-step / 120);
  const predictions = Int32Array.from(labels, (label, n) =>
    noise(n, 9) < learnt ? label : Math.floor(choices * noise(n, step)),
  );
  const logits = new Float32Array(labels.length * choices);
  for (const [n, given] of predictions.entries()) {
    const p = 1 / choices + (1 - 1 / choices) * (0.15 + 0.8 * learnt);
    for (let c = 0; c < choices; c++) logits[n * choices + c] = Math.log(c === given ? p : (1 - p) / (choices - 1));
  }
  const own = perPosition
    ? patternSignal('antiDiagonal', { main: true })
    : itemSignal({ name: 'oddMass', title: 'odd one', meaning: 'weight on the odd one', main: true }, (e) => labels[e]!);
  const places = Array.from({ length: E }, (_, e) => Array.from({ length: T }, (_, t) => e * T + t));
  const probe: Probe = {
    batch: { size: E, inputs: digits, labels },
    ...(run.pictures && { pictures: { data: examplePictures(run), side: 32 } }),
    describe: {
      examples: places.map((items) => ({
        labels: perPosition
          ? { kind: 'numbers' as const, items: items.map((n) => digits[n]!) }
          : run.pictures
            ? { kind: 'pictures' as const, items }
            : { kind: 'numbers' as const, items },
      })),
      ...(!perPosition && { numbered: true as const }),
      words: perPosition ? { item: 'position' } : { item: 'image', target: 'odd one' },
      signals: [own],
    },
  };
  const file = encodePictures(probe);
  const pictures = file && blobOf(file);
  const output = perPosition ? ('position' as const) : ('set' as const);
  const { blob: bytes, ...declared } = await encodeSnapshot({
    step,
    shape: {
      ...{ input: 'onehot', inputDim: 10, seqLen: T, positional: perPosition, modelDim: heads },
      ...{ output, outputDim: perPosition ? choices : 1, layers, heads },
    },
    probe,
    pictures: pictures?.hash ?? null,
    attended: { maps, logits, loss: 0, accuracy: 0 },
    previous,
    gzip: gzipPiece,
  });
  const blob = blobOf(bytes);
  const event: TrainerEvent = {
    type: 'snapshot',
    step,
    blob: refOf(blob),
    ...(pictures && { pictures: refOf(pictures) }),
    trigger: step === 0 ? 'start' : 'cadence',
    commandId: null,
    ...declared,
  };
  return { blob, pictures, event, maps };
}

/** Plays a run up to `toStep` at once and stays its trainer: the result continues from there, step by step. */
export async function playAttentionRun(
  address: Address,
  create: (setup: RunSetup) => Promise<{ runId: string }>,
  run: AttentionRun,
  toStep: number,
): Promise<{ runId: string; trainer: TrainerClient; next(): Promise<{ step: number; sentAt: number }>; end(): Promise<void> }> {
  const trainer = await TrainerClient.connect(address);
  const setup = attentionSetup(run, `${run.task} ${run.layers} x ${run.heads} x ${run.length}`);
  const { runId } = await create(setup);
  trainer.ready();
  const given = await trainer.assigned();
  if (given.runId !== runId) throw new Error(`the server gave run ${given.runId}, which nobody had ended, instead of ${runId}`);
  const values = startValues(setup);
  await trainer.send(runStarted(0, values), { type: 'status', status: 'running', step: 0, message: 'made up' });
  let previous: Float32Array | null = null;
  let step = 0;
  const snap = async () => {
    const { blob, pictures, event, maps } = await attentionSnapshot(run, step, previous);
    if (pictures && previous === null) await trainer.put(pictures);
    previous = maps;
    await trainer.put(blob);
    const sentAt = Date.now();
    await trainer.send(event);
    return { step, sentAt };
  };
  const advance = async () => {
    await trainer.send(steps(step, run.snapshotEverySteps, values));
    step += run.snapshotEverySteps;
    return snap();
  };
  await snap();
  while (step < toStep) await advance();
  const end = async () => {
    await trainer.send({ type: 'status', status: 'finished', step, message: 'played' });
    trainer.close();
  };
  return { runId, trainer, next: advance, end };
}
