/**
 * Graph replay: the first run of a step executes op by op and records the ops; every later run is one session run.
 *
 * tfjs-node pays about 15 us for every op it dispatches, which is most of the time of a small training step. Its kernels all go through two
 * methods of the backend, with TensorFlow's own op names and attributes, so the recorded calls are a TensorFlow graph already.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataId, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { runEagerly } from '~/trainer/backends/eagerStep';
import { NotRecordable, type StepRecorder } from '~/trainer/backends/recordedStep';
import type { NodeBackend } from './load';
import { attrType, type GraphNode, type OpAttr, savedModelProto } from './protobuf';

/** One recorded step for one combination of input shapes. */
interface Recording {
  session: number;
  inputNames: string;
  outputNames: string;
  /** Number of ops. */
  ops: number;
}

export const graphRecorder = (backend: NodeBackend): StepRecorder<Recording> => ({
  record(fn, inputs) {
    const { outputs, nodes, outputNames } = record(backend, fn, inputs);
    // The graph may round differently from the ops one by one: its numbers are returned from the first call on.
    for (const output of outputs) output.dispose();
    if (nodes instanceof NotRecordable) throw nodes;
    try {
      return load(backend, nodes, inputs.length, outputNames);
    } catch (error) {
      throw new NotRecordable((error as Error).message);
    }
  },
  replay({ session, inputNames, outputNames }, inputs) {
    const outputs = backend.binding.runSavedModel(session, backend.getInputTensorIds(inputs), inputNames, outputNames);
    return outputs.map((output) => backend.createOutputTensor(output));
  },
  opsOf: ({ ops }) => ops,
  free({ session }) {
    backend.binding.deleteSavedModel(session);
  },
});

/** Runs `fn` eagerly and records every op it executes; `nodes` is the reason when the ops cannot be a graph. */
function record(backend: NodeBackend, fn: (inputs: Tensor[]) => Tensor[], inputs: Tensor[]) {
  const nodes: GraphNode[] = [];
  const nameOf = new WeakMap<DataId, string>();
  let problem: NotRecordable | null = null;
  const add = (op: string, nodeInputs: string[], attrs: OpAttr[]): string => {
    const name = `n${nodes.length}`;
    nodes.push({ name, op, inputs: nodeInputs, attrs });
    return name;
  };
  const typeAttr = (name: string, dtype: string): OpAttr => ({ name, type: attrType.type, value: dtypeNumber(backend, dtype) });

  inputs.forEach((input, at) => {
    nodes.push({
      name: `in${at}`,
      op: 'Placeholder',
      inputs: [],
      attrs: [typeAttr('dtype', input.dtype), { name: 'shape', type: attrType.shape, value: input.shape }],
    });
    nameOf.set(input.dataId, `in${at}`);
  });
  /** A tensor that no recorded op made was written by JavaScript (axes, shapes, tables): a constant of the graph. */
  const constant = (tensor: TensorInfo): string => {
    const values = readSync(tensor.dataId);
    const name = `c${nodes.length}`;
    const content = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
    nodes.push({
      name,
      op: 'Const',
      inputs: [],
      attrs: [typeAttr('dtype', tensor.dtype)],
      constant: { dtype: dtypeNumber(backend, tensor.dtype), shape: tensor.shape, content },
    });
    nameOf.set(tensor.dataId, name);
    return name;
  };
  const source = (tensor: TensorInfo): string => nameOf.get(tensor.dataId) ?? constant(tensor);

  const readSync = backend.readSync.bind(backend) as (id: DataId) => Float32Array;
  const originals = { executeMultipleOutputs: backend.executeMultipleOutputs, executeSingleOutput: backend.executeSingleOutput };
  backend.executeMultipleOutputs = (op, attrs, opInputs, count) => {
    const outputs = originals.executeMultipleOutputs.call(backend, op, attrs, opInputs, count);
    if (problem) return outputs;
    try {
      const name = add(op, opInputs.map(source), [...attrs, ...missingAttrs(op, attrs, opInputs, typeAttr)]);
      for (const [at, output] of outputs.entries()) nameOf.set(output.dataId, `${name}:${at}`);
    } catch (error) {
      if (!(error instanceof NotRecordable)) throw error;
      problem = error;
    }
    return outputs;
  };
  backend.executeSingleOutput = (op, attrs, opInputs) => backend.executeMultipleOutputs(op, attrs, opInputs, 1)[0]!;
  backend.readSync = (id) => {
    const name = nameOf.get(id);
    if (name && !name.startsWith('c'))
      problem ??= new NotRecordable(
        `it reads back ${name.startsWith('in') ? 'an input' : 'the result of an op'} (${nodes.at(-1)?.op} came before)`,
      );
    return readSync(id);
  };
  try {
    // The outputs outlive the tidy by being returned; nothing else is kept.
    const outputs = runEagerly(fn, inputs);
    const outputNames = outputs.map((output) => add('Identity', [source(output)], [typeAttr('T', output.dtype)]));
    return { outputs, nodes: problem ?? nodes, outputNames };
  } finally {
    // Deleting the own properties uncovers the methods of the class.
    for (const method of ['executeMultipleOutputs', 'executeSingleOutput', 'readSync'] as const)
      delete (backend as Partial<NodeBackend>)[method];
  }
}

/** TensorFlow's eager mode infers attributes that a graph must state; tfjs-node leaves these out. */
function missingAttrs(
  op: string,
  attrs: OpAttr[],
  inputs: TensorInfo[],
  typeAttr: (name: string, dtype: string) => OpAttr,
): OpAttr[] {
  if (op === 'ExpandDims' && attrs.length === 0) return [typeAttr('T', inputs[0]!.dtype), typeAttr('Tdim', 'int32')];
  return [];
}

function dtypeNumber(backend: NodeBackend, dtype: string): number {
  const { TF_FLOAT, TF_INT32, TF_BOOL } = backend.binding;
  const number = { float32: TF_FLOAT, int32: TF_INT32, bool: TF_BOOL }[dtype];
  if (number === undefined) throw new NotRecordable(`it uses a tensor of dtype ${dtype}`);
  return number;
}

/** Loads the recorded ops into a session, which optimizes them as a whole (constant folding, fused activations). */
function load(backend: NodeBackend, nodes: GraphNode[], inputCount: number, outputNames: string[]): Recording {
  const folder = mkdtempSync(join(tmpdir(), 'headroom-graph-'));
  try {
    writeFileSync(join(folder, 'saved_model.pb'), savedModelProto(nodes));
    const session = backend.binding.loadSavedModel(folder, 'serve');
    const inputNames = Array.from({ length: inputCount }, (_, at) => `in${at}:0`).join();
    const ops = nodes.filter(({ op }) => op !== 'Placeholder' && op !== 'Const' && op !== 'Identity').length;
    return { session, inputNames, outputNames: outputNames.map((name) => `${name}:0`).join(), ops };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
