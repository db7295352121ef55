/** A synthetic reverse run: plausible numbers by step, for tests and demos that need a run without training. */
import { createHash } from 'node:crypto';
import type { ControlSpec, Controls, ControlValue } from '~/shared/controls';
import type { RunEvent, TrainerEvent } from '~/shared/events';
import { serializeSafetensors } from '~/shared/safetensors';
import type { Series } from '~/shared/series';
import type { RunSetup } from '~/shared/setup';
import { configOf } from './setups';

export const series: Series[] = [
  { name: 'loss', unit: 'nats', group: 'loss', role: 'loss', chance: Math.log(10) },
  { name: 'accuracy', group: 'accuracy', role: 'accuracy' },
  { name: 'learningRate', group: 'learning rate', role: 'learningRate' },
  { name: 'gradNorm', group: 'gradient norm', role: 'gradNorm' },
  { name: 'clipThreshold', group: 'gradient norm', role: 'clipThreshold' },
  { name: 'clipped', unit: '0 or 1', group: 'gradient norm', role: 'clipped' },
  { name: 'stepsPerSecond', unit: 'steps/s', group: 'throughput', role: 'stepsPerSecond' },
  {
    name: 'gradNorm/input_net.1.weight',
    group: 'gradient norm per parameter',
    role: 'gradNormOf',
    of: 'input_net.1.weight',
  },
  {
    name: 'gradNorm/output_net.0.weight',
    group: 'gradient norm per parameter',
    role: 'gradNormOf',
    of: 'output_net.0.weight',
  },
];

const number = (name: string, label: string, unit: string, value: number, group: string): ControlSpec => ({
  name,
  label,
  help: `${label} from the next step on.`,
  unit,
  type: 'number',
  min: 0,
  max: null,
  exclusiveMin: true,
  exclusiveMax: false,
  options: null,
  nullLabel: null,
  scale: 'log',
  default: value,
  takesEffect: 'next step',
  group,
});

export const controls: Controls = {
  values: [
    { ...number('learningRate', 'Learning rate', '', 5e-4, 'Optimizer'), role: 'learningRate' },
    { ...number('clipThreshold', 'Clip at', '', 5, 'Clipping'), role: 'clipThreshold' },
    { ...number('snapshotEverySteps', 'Snapshot every', 'steps', 20, 'Cadence'), type: 'integer', scale: 'linear' },
  ],
  actions: (['pause', 'resume', 'stop', 'snapshot', 'checkpoint', 'evaluate'] as const).map((name) => ({
    name,
    role: name,
    label: name[0]!.toUpperCase() + name.slice(1),
    help: '',
    args:
      name === 'evaluate'
        ? [
            {
              ...number('split', 'Split', '', 0, ''),
              type: 'enum' as const,
              min: null,
              exclusiveMin: false,
              options: ['train', 'validation', 'test'],
              default: 'test',
            },
          ]
        : [],
    risky: name === 'stop',
  })),
};

export type Values = Record<string, ControlValue>;
export function startValues(setup: RunSetup): Values {
  const { optimizer, clip, snapshotEverySteps } = configOf(setup);
  return { learningRate: optimizer.learningRate, clipThreshold: clip.threshold, snapshotEverySteps };
}

export const totalSteps = 2000;
export const stepsPerEpoch = 200;

export const runStarted = (step: number, values: Values, length = totalSteps): TrainerEvent => ({
  type: 'started',
  step,
  device: { backend: 'cpu', device: 'scripted' },
  streams: [{ stream: 'steps', columns: series }],
  controls,
  values,
  params: [
    { name: 'input_net.1.weight', shape: [32, 10] },
    { name: 'output_net.0.weight', shape: [10, 32] },
  ],
  lengths: { stepsPerEpoch, totalSteps: length },
});

/** A repeatable number in [0, 1) for the given coordinates. */
export function noise(...place: number[]): number {
  let h = 2166136261;
  for (const p of place) h = Math.imul(h ^ (p + 0x9e3779b9), 16777619) ^ (h >>> 13);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

/** Progress of training at a step: 0 .. 1. */
const progress = (step: number): number => 1 - Math.exp(-step / 250);

export function row(step: number, values: Values): number[] {
  const p = progress(step);
  const gradNorm = (1 - p) * 4 + 0.4 + 3 * noise(step, 1) ** 6;
  const clip = values.clipThreshold as number;
  return [
    2.3 * (1 - p) + 0.05 * noise(step, 2),
    Math.min(1, 0.1 + 0.9 * p - 0.03 * noise(step, 3)),
    (values.learningRate as number) * Math.min(1, (step + 1) / 50) * 0.5 * (1 + Math.cos((Math.PI * step) / totalSteps)),
    gradNorm,
    clip,
    Number(gradNorm > clip),
    40 + noise(step, 4),
    gradNorm * 0.8,
    gradNorm * 0.6,
  ];
}

export const steps = (firstStep: number, count: number, values: Values): TrainerEvent => ({
  type: 'rows',
  stream: 'steps',
  steps: { first: firstStep, count },
  values: Float64Array.from(Array.from({ length: count }, (_, i) => row(firstStep + i, values)).flat()),
});

export interface Blob {
  hash: string;
  bytes: Uint8Array;
}
export const blobOf = (bytes: Uint8Array): Blob => ({ hash: createHash('sha256').update(bytes).digest('hex'), bytes });
export const refOf = ({ hash, bytes }: Blob) => ({ hash, bytes: bytes.length });

/** Descriptions of equal layers. */
export const layersOf = (layers: number, heads: number, length: number) =>
  Array.from({ length: layers }, (_, l) => ({ name: `layer ${l + 1}`, heads, queries: length, keys: length }));

/** A snapshot in the format of version 0.1, as an old client sends it: maps that sharpen towards the anti-diagonal. */
export function snapshot(
  step: number,
  setup: RunSetup,
  trigger: Extract<RunEvent, { type: 'snapshot' }>['trigger'],
  commandId: string | null = null,
): { blob: Blob; event: TrainerEvent } {
  const { model, task, probeSize: E } = configOf(setup);
  const { layers: L, heads: H } = model;
  const T = (task.seqLen ?? task.setSize) as number;
  const C = (task.numClasses ?? 1) as number;
  const sharp = 8 * progress(step);
  const attention = new Float32Array(E * L * H * T * T);
  const inputs = new Int32Array(E * T);
  const labels = new Int32Array(E * T);
  const predictions = new Int32Array(E * T);
  const probabilities = new Float32Array(E * T * C);
  const names = ['entropy', 'confidence', 'drift', 'antiDiagonal'] as const;
  const signals = Object.fromEntries(names.map((n) => [n, new Float32Array(E * L * H)])) as Record<
    (typeof names)[number],
    Float32Array
  >;
  for (let e = 0; e < E; e++) {
    for (let t = 0; t < T; t++) inputs[e * T + t] = Math.floor(noise(e, t, 5) * C);
    for (let t = 0; t < T; t++) {
      const label = inputs[e * T + T - 1 - t]!;
      labels[e * T + t] = label;
      const right = noise(e, t, 6) < 0.1 + progress(step);
      predictions[e * T + t] = right ? label : (label + 1) % C;
      for (let c = 0; c < C; c++)
        probabilities[(e * T + t) * C + c] =
          c === predictions[e * T + t] ? 0.1 + 0.9 * progress(step) : (0.9 * (1 - progress(step))) / (C - 1);
    }
    for (let lh = 0; lh < L * H; lh++) {
      const at = e * L * H + lh;
      let entropy = 0;
      let confidence = 0;
      let anti = 0;
      for (let i = 0; i < T; i++) {
        const logits = Array.from({ length: T }, (_, j) => (j === T - 1 - i ? sharp / (1 + lh / 2) : 0) + noise(e, lh, i, j));
        const sum = logits.reduce((n, x) => n + Math.exp(x), 0);
        const map = logits.map((x) => Math.fround(Math.exp(x) / sum));
        attention.set(map, (at * T + i) * T);
        entropy -= map.reduce((n, a) => n + a * Math.log(a), 0) / Math.log(T) / T;
        confidence += Math.max(...map) / T;
        anti += map[T - 1 - i]! / T;
      }
      signals.entropy[at] = entropy;
      signals.confidence[at] = confidence;
      signals.antiDiagonal[at] = anti;
      signals.drift[at] = step === 0 ? 0 : 0.05 * (1 - progress(step));
    }
  }
  const blob = blobOf(
    serializeSafetensors(
      [
        ['attention', { shape: [E, L, H, T, T], data: attention }],
        ['inputs', { shape: [E, T], data: inputs }],
        ['labels', { shape: [E, T], data: labels }],
        ['predictions', { shape: [E, T], data: predictions }],
        ['probabilities', { shape: [E, T, C], data: probabilities }],
        ...names.map((n) => [`signal.${n}`, { shape: [E, L, H], data: signals[n] }] as const),
      ],
      { task: 'reverse', step: String(step) },
    ),
  );
  const mean = (values: Float32Array) =>
    Array.from({ length: L * H }, (_, lh) => {
      let sum = 0;
      for (let e = 0; e < E; e++) sum += values[e * L * H + lh]!;
      return sum / E;
    });
  return {
    blob,
    event: {
      type: 'snapshot',
      step,
      blob: refOf(blob),
      trigger,
      commandId,
      layers: layersOf(L, H, T),
      examples: E,
      signals: names.map((name) => ({ name, ...(name === 'entropy' && { role: name }), values: mean(signals[name]) })),
    },
  };
}
