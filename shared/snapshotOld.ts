/**
 * Reads attention snapshots of version 0.1 as those of version 2. They named their task; their content determines the same
 * fields.
 */
import type { StoredTensor, TensorFile } from './safetensors';
import type { AxisLabels, SignalSpec, SnapshotDescription } from './snapshotFile';

/** Meaning of version 0.1's signals. T = keys. */
export const oldSignals = (T: number): SignalSpec[] => {
  const weight = { range: [0, 1] as [number, number], baseline: 1 / T };
  return [
    {
      name: 'entropy',
      title: 'entropy',
      meaning: '1 = uniform, 0 = all weight on one key',
      range: [0, 1],
      baseline: null,
      names: { title: 'uniform', atLeast: 0.98 },
    },
    { name: 'confidence', title: 'confidence', meaning: 'mean of each row’s largest weight', ...weight },
    {
      name: 'drift',
      title: 'drift',
      meaning: 'change since the snapshot before: look where it peaks',
      range: null,
      baseline: null,
    },
    {
      name: 'antiDiagonal',
      title: 'mirror',
      meaning: 'weight on the mirrored position: what reversing needs',
      ...weight,
      names: { title: 'mirror', atLeast: Math.max(0.5, Math.min(1, 2 / T)) },
      main: true,
    },
    {
      name: 'oddMass',
      title: 'odd one',
      meaning: 'weight that the other images put on the odd one',
      ...weight,
      names: { title: 'odd one', atLeast: Math.max(0.5, Math.min(1, 2 / T)) },
      main: true,
    },
  ];
};

/**
 * Layout of 0.1: attention [E, L, H, Tq, Tk], inputs [E, Tk], labels and predictions [E, Tq] of digits with probabilities [E, Tq,
 * C], or [E] of positions in a set with probabilities [E, Tk]; signal.NAME [E, L, H]; pictures [n, S, S, 3] here or in the file
 * named by metadata `pictures`.
 */
export function describeOld(
  { tensors, metadata }: TensorFile,
  fail: (why: string) => never,
): { tensors: Map<string, StoredTensor>; description: SnapshotDescription } {
  const step = Number(metadata.step);
  if (!Number.isSafeInteger(step) || step < 0) fail(`step ${JSON.stringify(metadata.step)} is not a step`);
  const need = (name: string, rank: number): StoredTensor => {
    const t = tensors.get(name) ?? fail(`tensor "${name}" is missing`);
    if (t.shape.length !== rank) fail(`tensor "${name}" has shape [${t.shape.join(', ')}], ${rank} dimensions are needed`);
    return t;
  };
  const same = (name: string, { shape }: StoredTensor, wanted: readonly number[]) => {
    if (shape.join() !== wanted.join()) fail(`tensor "${name}" has shape [${shape.join(', ')}], expected [${wanted.join(', ')}]`);
  };
  const attention = need('attention', 5);
  const [E, L, H, Tq, Tk] = attention.shape as [number, number, number, number, number];
  if (!(attention.data instanceof Float32Array)) fail(`tensor "attention" has dtype ${attention.dtype}`);
  if (attention.data.length === 0) fail(`tensor "attention" has shape [${attention.shape.join(', ')}]: nothing in it`);
  const inputs = need('inputs', 2);
  same('inputs', inputs, [E, Tk]);
  const ofSets = tensors.get('labels')?.shape.length === 1;
  const labels = need('labels', ofSets ? 1 : 2);
  same('labels', labels, ofSets ? [E] : [E, Tq]);
  const predictions = need('predictions', labels.shape.length);
  same('predictions', predictions, labels.shape);
  const probabilities = need('probabilities', ofSets ? 2 : 3);
  const C = probabilities.shape.at(-1)!;
  same('probabilities', probabilities, [...labels.shape, ofSets ? Tk : C]);

  const A = ofSets ? 1 : Tq;
  const out = new Map<string, StoredTensor>();
  const f32 = (name: string, shape: number[], data: Float32Array) => out.set(name, { dtype: 'F32', shape, data });
  const i32 = (name: string, shape: number[], data: StoredTensor['data']) => out.set(name, { dtype: 'I32', shape, data });
  const maps = attention.data as Float32Array;
  const size = H * Tq * Tk;
  for (let l = 0; l < L; l++) {
    // With one layer the examples are already consecutive.
    const own = L === 1 ? maps : new Float32Array(E * size);
    if (L > 1) for (let e = 0; e < E; e++) own.set(maps.subarray((e * L + l) * size, (e * L + l + 1) * size), e * size);
    f32(`attention.${l}`, [E, H, Tq, Tk], own);
  }
  i32('targets', [E, A], labels.data);
  i32('predictions.ids', [E, A, 1], predictions.data);
  const chances = probabilities.data as Float32Array;
  const chosen = Float32Array.from({ length: E * A }, (_, n) => chances[n * C + Number(predictions.data[n]!)]!);
  f32('predictions.probabilities', [E, A, 1], chosen);
  if (ofSets) f32('scores', [E, Tk], chances);
  const signals = oldSignals(Tk).filter(({ name }) => tensors.has(`signal.${name}`));
  for (const { name } of signals) {
    const signal = need(`signal.${name}`, 3);
    same(`signal.${name}`, signal, [E, L, H]);
    const values = signal.data as Float32Array;
    for (let l = 0; l < L; l++)
      f32(
        `signal.${name}.${l}`,
        [E, H],
        Float32Array.from({ length: E * H }, (_, n) => values[(Math.floor(n / H) * L + l) * H + (n % H)]!),
      );
  }
  const pictures = tensors.get('pictures');
  if (pictures) out.set('pictures', pictures);
  const pictured = ofSets || pictures !== undefined || metadata.pictures !== undefined;
  const names = namesOf(metadata.examples);
  const classes = namesOf(metadata.pictureClasses);
  const axes = Array.from({ length: E }, (_, e): AxisLabels => {
    const items = Array.from(inputs.data.subarray(e * Tk, (e + 1) * Tk) as Int32Array, Number);
    return { kind: pictured ? 'pictures' : 'numbers', items };
  });
  return {
    tensors: out,
    description: {
      version: 2,
      step,
      layers: Array.from({ length: L }, (_, l) => ({ name: `layer ${l + 1}`, heads: H, queries: Tq, keys: Tk })),
      causal: false,
      examples: axes.map((_, e) => ({
        ...(names[e] !== undefined && { name: names[e] }),
        keys: e,
        queries: Tq === Tk ? e : null,
      })),
      axes,
      chosenBy: { control: 'probeExamples', numbered: ofSets },
      answers: { kind: ofSets ? 'keys' : 'numbers' },
      words: ofSets ? { item: 'image', target: 'odd one' } : { item: 'position' },
      signals,
      ...(pictured && {
        pictures: {
          ...(metadata.pictureSet !== undefined && { title: metadata.pictureSet }),
          ...(classes.length > 0 && { names: classes }),
          ...(metadata.pictures !== undefined && { file: metadata.pictures }),
        },
      }),
    },
  };
}

function namesOf(json: string | undefined): string[] {
  try {
    const list: unknown = JSON.parse(json ?? '[]');
    return Array.isArray(list) ? list.map((v) => String(v).slice(0, 256)) : [];
  } catch {
    return [];
  }
}
