import { describe, expect, it } from 'vitest';
import { configOf, fields, plannedSteps, textsOf } from '~/app/_runs/configForm';
import { defaultConfig } from '~/shared/config';

const leaves = (value: unknown, path = ''): string[] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([k, v]) => leaves(v, path ? `${path}.${k}` : k))
    : [path];

describe.each(['reverse', 'anomaly'] as const)('the form of a %s run', (kind) => {
  it('has a field for every part of the config', () => {
    const paths = fields.map((f) => f.path);
    expect(leaves(defaultConfig(kind)).filter((leaf) => !paths.includes(leaf))).toEqual([]);
  });
  it('gives back the published set-up when nothing is changed', () => {
    expect(configOf(textsOf(defaultConfig(kind)))).toEqual({ ok: true, config: defaultConfig(kind) });
  });
});

const errorsOf = (changes: Record<string, string>) => {
  const parsed = configOf({ ...textsOf(defaultConfig('reverse')), ...changes });
  return parsed.ok ? {} : parsed.errors;
};

it.each([
  [{ 'optimizer.learningRate': 'fast' }, { 'optimizer.learningRate': 'Learning rate: "fast" is not a number' }],
  [{ 'optimizer.learningRate': '' }, { 'optimizer.learningRate': 'Learning rate: give a number' }],
  [{ 'optimizer.learningRate': '0' }, { 'optimizer.learningRate': 'Learning rate: must be above 0' }],
  [{ 'model.dropout': '1' }, { 'model.dropout': 'Dropout: must be below 1' }],
  [{ epochs: '2.5' }, { epochs: 'Epochs: a whole number is needed' }],
  [{ epochs: '0' }, { epochs: 'Epochs: at least 1' }],
  [{ 'model.heads': '3' }, { 'model.heads': 'Heads: heads (3) must divide modelDim (32)' }],
  [{ name: '  ' }, { name: 'Name: give the run a name' }],
  [{ batchSize: '51000' }, { batchSize: 'Batch size: batchSize (51000) exceeds the training set (50000)' }],
  [{ startFrom: 'abc' }, { startFrom: 'Start from: hash: 64 lower-case hex digits (SHA-256)' }],
])('%j is refused beside its field', (changes, errors) => {
  expect(errorsOf(changes)).toEqual(errors);
});

it('an emptied optional field is null, 0 stays 0', () => {
  const parsed = configOf({ ...textsOf(defaultConfig('reverse')), 'schedule.maxSteps': ' ', earlyStopPatience: '5', seed: '0' });
  expect(parsed).toEqual({ ok: true, config: { ...defaultConfig('reverse'), earlyStopPatience: 5, seed: 0 } });
});

it('planned steps are whole batches times epochs', () => {
  // floor(50000 / 128) = 390; 390 * 10
  expect(plannedSteps(defaultConfig('reverse'))).toBe(3_900);
  expect(plannedSteps(defaultConfig('anomaly'))).toBeNull();
});
