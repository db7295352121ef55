/** A checkpoint of ours is a state dict of PyTorch: the model of test/fixtures/reference.py loads it and gives the same logits. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { tensor1d } from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { ownFolder } from '~/test/support/folder';
import { pythonWithTorch } from '~/test/support/pythonEnvironment';
import { root } from '~/test/support/root';
import { openBackend } from '~/trainer/backends';
import { batchTensors } from '~/trainer/nn/batch';
import { parametersOf } from '~/trainer/nn/checkpoint';
import { forward } from '~/trainer/nn/model';
import { unflatten } from '~/trainer/nn/optimizer';
import { paramSpecs } from '~/trainer/nn/params';
import { RandomStream } from '~/trainer/nn/random';
import type { ModelShape } from '~/trainer/types';

const python = pythonWithTorch();
if (typeof python === 'string') console.log(`SKIPPED: the test of checkpoints in PyTorch needs torch and safetensors: ${python}`);

const folder = ownFolder();
afterAll(folder.remove);

/** Reads the checkpoint with safetensors, loads what the model names, strictly, and prints the logits of the ids. */
const script = `
import json, sys
sys.path.insert(0, sys.argv[1])
import torch
from reference import Predictor
from safetensors.torch import load_file
case, ids = json.load(open(sys.argv[3]))
model = Predictor(case).eval()
stored = load_file(sys.argv[2])
model.load_state_dict({name: stored[name] for name in model.state_dict()})
with torch.no_grad(): logits, _ = model(torch.tensor(ids))
print(json.dumps(logits.flatten().tolist()))
`;

describe.skipIf(typeof python === 'string')('a checkpoint', () => {
  it.each([
    ['one head, one-hot numbers', { layers: 1, heads: 1, modelDim: 32 }],
    ['several layers and heads', { layers: 2, heads: 4, modelDim: 24 }],
  ])('of a trained run gives the same logits in PyTorch: %s', async (_, { layers, heads, modelDim }) => {
    const [values, seqLen, size] = [10, 6, 8];
    const file = path.join(folder.path, `${layers}.safetensors`);
    const flags = `--recipe reverse --seqLen ${seqLen} --layers ${layers} --heads ${heads} --modelDim ${modelDim} --epochs 1
      --trainSize 512 --validationSize 32 --testSize 32 --batchSize 32 --backend wasm --json --out ${file}`.split(/\s+/);
    execFileSync(process.execPath, ['--import', 'tsx', 'trainer/process/cli.ts', ...flags], { cwd: root, stdio: 'pipe' });

    const random = new RandomStream(7, 'ids');
    const ids = Array.from({ length: size }, (_, b) =>
      Array.from({ length: seqLen }, (_, t) => random.integer(b * seqLen + t, values)),
    );
    const shape: ModelShape = {
      ...{ input: 'onehot', inputDim: values, seqLen, positional: true, causal: false },
      ...{ output: 'position', outputDim: values, modelDim, layers, heads },
    };
    const asked = path.join(folder.path, 'asked.json');
    const reference = {
      input_dim: values,
      model_dim: modelDim,
      num_heads: heads,
      num_layers: layers,
      num_classes: values,
      positional: true,
    };
    writeFileSync(asked, JSON.stringify([reference, ids]));
    if (typeof python === 'string') throw new Error(python);
    const theirs = python.run(script, path.join(root, 'test/fixtures'), file, asked) as number[];

    await openBackend('wasm');
    const specs = paramSpecs(shape);
    const parameters = unflatten(tensor1d(parametersOf(specs, new Uint8Array(readFileSync(file)))), specs);
    const flat = Int32Array.from(ids.flat());
    const { x } = batchTensors({ size, inputs: flat, labels: flat }, shape);
    const ours = await forward(parameters, shape, x).logits.data();
    expect(ours.length).toBe(theirs.length);
    const largest = Math.max(...theirs.map(Math.abs));
    expect(Math.max(...theirs.map((value, i) => Math.abs(value - ours[i]!))) / largest).toBeLessThanOrEqual(1e-5);
  });
});
