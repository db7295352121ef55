/**
 * Recorded steps: the first run of a step writes its ops down as an ONNX graph, without values; from then on ONNX Runtime runs the graph as a whole.
 */
import {
  type DataType,
  engine,
  type NamedAttrMap,
  type NamedTensorMap,
  type Tensor,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import { runEagerly } from '~/trainer/backends/eagerStep';
import { NotRecordable, type StepRecorder } from '~/trainer/backends/recordedStep';
import { noiseKernel } from '~/trainer/nn/noise';
import { type GraphWriter, kernels, type Value, whole } from './kernels';
import { type ElementType, elementType, type OnnxGraph, onnxModel } from './model';
import type { Noise, NoiseSource } from './noise';
import type { OnnxBackend } from './onnxBackend';
import type { Runtime, Session } from './runtime';

/** A part of an input, as an input of its own. */
interface View {
  name: string;
  input: number;
  from: number;
  size: number;
}

interface Recording {
  session: Session;
  views: View[];
  noises: Noise[];
  outputs: { shape: number[]; dtype: DataType }[];
  nodes: number;
}

/**
 * Products and sums of a mean node, below which a second thread mostly waits, busily. Measured on two cores: with 0.45 million it makes a step not faster,
 * with 0.77 million 1.1 times, with 1.7 million 1.4 times, with 6.5 million 1.7 times.
 */
const smallNode = 1.5e6;

const inputName = (at: number) => `in${at}`;
const outputName = (at: number) => `out${at}`;

export const onnxRecorder = (backend: OnnxBackend, runtime: Runtime, noise: NoiseSource): StepRecorder<Recording> => ({
  record(fn, inputs) {
    const { graph, operations, ...rest } = record(backend, fn, inputs);
    const nodes = graph.nodes.length;
    const session = runtime.session(onnxModel(graph), operations / nodes < smallNode);
    return { session, nodes, ...rest };
  },
  replay({ session, views, noises, outputs }, inputs) {
    const tensorOf = (info: TensorInfo) => runtime.tensor(backend.valuesOf(info), info.shape, info.dtype);
    const made = outputs.map(({ shape, dtype }) => backend.output(shape, dtype));
    const feeds = Object.fromEntries(inputs.map((input, at) => [inputName(at), tensorOf(input)]));
    for (const { name, input, from, size } of views)
      feeds[name] = runtime.tensor(backend.valuesOf(inputs[input]!).subarray(from, from + size), [size], inputs[input]!.dtype);
    for (const { name, seed, site, shape, values } of noises)
      feeds[name] = runtime.tensor(noise.fill(values, backend.valuesOf(inputs[seed]!), site), shape, 'float32');
    session.run(feeds, Object.fromEntries(made.map((info, at) => [outputName(at), tensorOf(info)])), {});
    return made.map((info) => engine().makeTensorFromTensorInfo(info));
  },
  opsOf: ({ nodes }) => nodes,
  free: ({ session }) => session.dispose(),
});

/** Runs `fn` on tensors without values. */
function record(backend: OnnxBackend, fn: (inputs: Tensor[]) => Tensor[], inputs: Tensor[]) {
  const graph: OnnxGraph = { nodes: [], constants: [], inputs: [], outputs: [] };
  const noises: Noise[] = [];
  const views: View[] = [];
  const known = new WeakMap<object, Value>();
  let names = 0;
  let operations = 0;
  const writer: GraphWriter = {
    node(op, inputs, attributes = {}, outputs = 1) {
      const made = Array.from({ length: outputs }, () => `v${names++}`);
      const given = inputs.map((input) => (typeof input === 'string' ? input : whole(writer, input).name));
      graph.nodes.push({ op, inputs: given, outputs: made, attributes });
      return made;
    },
    constant(dtype, shape, values) {
      const name = `c${names++}`;
      graph.constants.push({ name, dtype, shape, values });
      return name;
    },
    view({ name, dtype }, from, size) {
      const at = graph.inputs.findIndex((input) => input.name === name);
      if (at < 0 || at >= inputs.length) return null;
      const view = { name: `view${views.length}`, input: at, from, size };
      views.push(view);
      graph.inputs.push({ name: view.name, dtype: dtype as ElementType, shape: [size] });
      return { name: view.name, shape: [size], dtype };
    },
    count(more) {
      operations += more;
    },
    product({ name, held }) {
      const node = graph.nodes.findLast(({ outputs }) => outputs[0] === name);
      return !held && node?.op === 'Gemm' && node.inputs.length === 2 ? node : null;
    },
  };
  const tensorOf = (value: Value): Tensor => {
    const dataId = {};
    known.set(dataId, value);
    return engine().makeTensorFromTensorInfo({ dataId, shape: value.shape, dtype: value.dtype });
  };
  const input = (name: string, shape: number[], dtype: DataType): Tensor => {
    graph.inputs.push({ name, dtype: dtype as ElementType, shape });
    return tensorOf({ name, shape, dtype });
  };
  /** A tensor that no recorded op made was written by JavaScript (numbers, tables): a constant of the graph. */
  const source = ({ dataId, shape, dtype }: TensorInfo): Value => {
    let value = known.get(dataId);
    if (value) return value;
    if (!(dtype in elementType)) throw new NotRecordable(`a tensor of dtype ${dtype}`);
    value = { name: writer.constant(dtype as ElementType, shape, backend.valuesOf({ dataId, shape, dtype })), shape, dtype };
    known.set(dataId, value);
    return value;
  };
  const runKernel = (kernelName: string, given: NamedTensorMap, attrs: NamedAttrMap = {}) => {
    if (kernelName === noiseKernel) {
      const { site, shape } = attrs as unknown as { site: number; shape: number[] };
      const seed = graph.inputs.findIndex(({ name }) => name === known.get(given.seed!.dataId)?.name);
      const name = `noise${noises.length}`;
      if (seed < 0 || seed >= inputs.length) throw new NotRecordable('noise whose seed is not an input');
      noises.push({ name, seed, site, shape, values: new Float32Array(util.sizeFromShape(shape)) });
      return input(name, shape, 'float32');
    }
    const kernel = kernels[kernelName];
    if (!kernel) throw new NotRecordable(kernelName);
    const made = kernel(writer, Object.values(given).filter(Boolean).map(source), attrs).map(tensorOf);
    return kernelName === 'SplitV' ? made : made[0]!;
  };
  const refuse = () => {
    throw new NotRecordable('reading a tensor back');
  };
  const stand = inputs.map(({ shape, dtype }, at) => input(inputName(at), shape, dtype));
  Object.assign(engine(), { runKernel });
  Object.assign(backend, { readSync: refuse, read: refuse });
  try {
    const made = runEagerly(fn, stand);
    const results = made.map((output) => whole(writer, source(output)));
    for (const output of made) output.dispose();
    return {
      graph: complete(graph, results),
      operations,
      views,
      noises,
      outputs: results.map(({ shape, dtype }) => ({ shape, dtype })),
    };
  } finally {
    // Deleting the own properties uncovers the methods of the classes.
    delete (engine() as unknown as { runKernel?: unknown }).runKernel;
    for (const method of ['readSync', 'read'] as const) delete (backend as Partial<OnnxBackend>)[method];
    for (const tensor of stand) tensor.dispose();
  }
}

/** The graph with its outputs named, without the nodes and constants that no output needs. */
function complete({ nodes, constants, inputs }: OnnxGraph, results: Value[]): OnnxGraph {
  const renamed = new Map<string, string>();
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  const copies: OnnxGraph['nodes'] = [];
  for (const [at, { name }] of results.entries()) {
    // An input, a constant or a result that is an output already is copied to the output.
    if (made.has(name) && !renamed.has(name)) renamed.set(name, outputName(at));
    else copies.push({ op: 'Identity', inputs: [name], outputs: [outputName(at)], attributes: {} });
  }
  const rename = (name: string) => renamed.get(name) ?? name;
  const all = [...nodes, ...copies].map((node) => ({
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
  }));
  const needed = new Set(results.map((_, at) => outputName(at)));
  const kept = all.reverse().filter((node) => {
    if (!node.outputs.some((name) => needed.has(name))) return false;
    for (const name of node.inputs) needed.add(name);
    return true;
  });
  return {
    nodes: kept.reverse(),
    constants: constants.filter(({ name }) => needed.has(name)),
    inputs,
    outputs: results.map(({ shape, dtype }, at) => ({ name: outputName(at), dtype: dtype as ElementType, shape })),
  };
}
