/** The kernels of tfjs that the network, the optimizers and the measurements use, as nodes of an ONNX graph. */
import { broadcast_util, type DataType, type NamedAttrMap, slice_util, type Tensor, util } from '@tensorflow/tfjs-core';
import { NotRecordable } from '~/trainer/backends/recordedStep';
import { type Attribute, type ElementType, elementType } from './model';

/** A tensor of the graph. */
export interface Value {
  name: string;
  shape: number[];
  dtype: DataType;
  /** Its shape in the graph, where that is smaller and is repeated to `shape`: ops on elements repeat it themselves. */
  held?: number[];
  /** The vectors of which it is made, side by side. */
  parts?: Value[];
}

/** What kernels write their nodes with. */
export interface GraphWriter {
  /** @returns the names of its outputs */
  node(op: string, inputs: (Value | string)[], attributes?: Record<string, Attribute>, outputs?: number): string[];
  constant(dtype: ElementType, shape: readonly number[], values: ArrayLike<number>): string;
  /** A part of a vector that is an input, without a copy; null for any other value. */
  view(of: Value, from: number, size: number): Value | null;
  /** Adds to the number of products and sums of the graph. */
  count(operations: number): void;
  /** The inputs of the product of two matrices that gave this value; null for any other value. */
  product(of: Value): { inputs: string[]; attributes: Record<string, Attribute> } | null;
}

/** @returns its outputs */
type Kernel = (graph: GraphWriter, inputs: Value[], attrs: NamedAttrMap) => Value[];

const ints = (graph: GraphWriter, values: readonly number[]) => graph.constant('int64', [values.length], values);
const broadcast = (shapes: number[][]) => shapes.reduce((a, b) => broadcast_util.assertAndGetBroadcastShape(a, b));

/** The value with its whole shape, for ops that do not work on elements. */
export const whole = (graph: GraphWriter, { held, ...value }: Value): Value =>
  held ? { ...value, name: graph.node('Expand', [value.name, ints(graph, value.shape)])[0]! } : value;

/** An op on the elements of its inputs. @param op its name, or what writes it */
const elementwise =
  (op: string | ((graph: GraphWriter, names: string[]) => string[]), dtype?: DataType): Kernel =>
  (graph, inputs) => {
    const names = inputs.map(({ name }) => name);
    const [name] = typeof op === 'string' ? graph.node(op, names) : op(graph, names);
    const value = { name: name!, shape: broadcast(inputs.map(({ shape }) => shape)), dtype: dtype ?? inputs.at(-1)!.dtype };
    if (inputs.every(({ held }) => !held)) return [value];
    const held = broadcast(inputs.map(({ held, shape }) => held ?? shape));
    return [held.join() === value.shape.join() ? value : { ...value, held }];
  };

/** ONNX Runtime's own gives NaN for infinity. The second operand is smaller than the root, except at infinity. */
const squareRoot = (graph: GraphWriter, [x]: string[]): string[] => {
  const scalar = (value: number) => graph.constant('float32', [], [value]);
  const [finite] = graph.node('Min', [x!, scalar(largestFloat)]);
  return graph.node('Max', [...graph.node('Sqrt', [finite!]), ...graph.node('Mul', [x!, scalar(2 ** -65)])]);
};
const largestFloat = (2 - 2 ** -23) * 2 ** 127;

/** @param axes the key of tfjs' attribute */
const reduce =
  (op: 'ReduceMax' | 'ReduceMean' | 'ReduceSum', axes: string): Kernel =>
  (graph, [x], attrs) => {
    const gone = util.parseAxisParam(attrs[axes] as number | number[], x!.shape);
    const keepdims = Number(Boolean(attrs.keepDims));
    const sum = op === 'ReduceSum';
    // The axes of a sum are an input, those of the others an attribute.
    const [name] = graph.node(op, sum ? [x!, ints(graph, gone)] : [x!], { keepdims, ...(sum ? {} : { axes: gone }) });
    const shape = x!.shape.flatMap((size, at) => (!gone.includes(at) ? [size] : keepdims ? [1] : []));
    return [{ name: name!, shape, dtype: x!.dtype }];
  };

const cast = (graph: GraphWriter, x: Value | string, to: DataType) =>
  graph.node('Cast', [x], { to: elementType[to as ElementType] })[0]!;

/** Of the same shape, with other values: it is not made of the parts of `of`. */
const withNewValues = ({ parts: _, ...of }: Value, name: string, dtype: DataType): Value => ({ ...of, name, dtype });

const reshape = (graph: GraphWriter, x: Value, shape: number[]): Value =>
  x.shape.join() === shape.join() ? x : { name: graph.node('Reshape', [x, ints(graph, shape)])[0]!, shape, dtype: x.dtype };

const transpose = (graph: GraphWriter, x: Value, perm: number[]): Value => ({
  ...{ name: graph.node('Transpose', [x], { perm })[0]!, dtype: x.dtype },
  shape: perm.map((at) => x.shape[at]!),
});

const concat = (graph: GraphWriter, parts: Value[], axis: number): Value => {
  const { shape, dtype } = parts[0]!;
  const size = parts.reduce((sum, part) => sum + part.shape[axis]!, 0);
  const value = { name: graph.node('Concat', parts, { axis })[0]!, shape: shape.with(axis, size), dtype };
  return shape.length === 1 ? { ...value, parts } : value;
};

/** A part of a vector that needs no copy: all of it, a part that it was made of, or a part of an input. */
const partOf = (graph: GraphWriter, x: Value, from: number, size: number): Value | null => {
  if (size === x.shape[0]) return x;
  let start = 0;
  for (const part of x.parts ?? []) {
    if (start === from && part.shape[0] === size) return part;
    start += part.shape[0]!;
  }
  return graph.view(x, from, size);
};

const channelsFirst = [0, 3, 1, 2];

/** What a filter makes of `pixels` [n, channels, height, width] without padding, as [n, height, width, channels]. */
const channelsBack = (
  graph: GraphWriter,
  name: string,
  pixels: Value,
  size: number[],
  strides: number[],
  channels: number,
): Value => {
  const [n, , ...sides] = pixels.shape as [number, number, number, number];
  const made = sides.map((side, at) => Math.floor((side - size[at]!) / strides[at === 0 ? 0 : strides.length - 1]!) + 1);
  return transpose(graph, { name, shape: [n, channels, ...made], dtype: pixels.dtype }, [0, 2, 3, 1]);
};

const axisOf = (axis: unknown, { shape }: Value): number => util.parseAxisParam(axis as number, shape)[0]!;

export const kernels: Record<string, Kernel> = {
  Abs: elementwise('Abs'),
  Equal: elementwise('Equal', 'bool'),
  Exp: elementwise('Exp'),
  Greater: elementwise('Greater', 'bool'),
  GreaterEqual: elementwise('GreaterOrEqual', 'bool'),
  Identity: (_graph, [x]) => [x!],
  Log: elementwise('Log'),
  Max: reduce('ReduceMax', 'reductionIndices'),
  Maximum: elementwise('Max'),
  Mean: reduce('ReduceMean', 'axis'),
  Minimum: elementwise('Min'),
  Multiply: elementwise('Mul'),
  Neg: elementwise('Neg'),
  RealDiv: elementwise('Div'),
  Relu: elementwise('Relu'),
  Rsqrt: elementwise((graph, x) => graph.node('Reciprocal', squareRoot(graph, x))),
  Select: elementwise('Where'),
  Sqrt: elementwise(squareRoot),
  Sub: elementwise('Sub'),
  Sum: reduce('ReduceSum', 'axis'),

  Add: (graph, [a, b], attrs) => {
    const product = graph.product(a!);
    if (!product || b!.held || b!.shape.length !== 1 || b!.shape[0] !== a!.shape[1])
      return elementwise('Add')(graph, [a!, b!], attrs);
    // A product and its bias in one node.
    return [{ ...a!, name: graph.node('Gemm', [...product.inputs, b!], product.attributes)[0]! }];
  },

  ArgMax: (graph, [x], attrs) => {
    const axis = axisOf(attrs.axis, x!);
    const [indices] = graph.node('ArgMax', [x!], { axis, keepdims: 0 });
    return [{ name: cast(graph, indices!, 'int32'), shape: x!.shape.toSpliced(axis, 1), dtype: 'int32' }];
  },

  BatchMatMul: (graph, [a, b], { transposeA, transposeB }) => {
    const [aRows, aColumns] = a!.shape.slice(-2) as [number, number];
    const [bRows, bColumns] = b!.shape.slice(-2) as [number, number];
    const shape = [transposeA ? aColumns : aRows, transposeB ? bRows : bColumns];
    const outer = broadcast([a!, b!].map((x) => x.shape.slice(0, -2)));
    const value = (name: string, shape: number[]): Value => ({ name, shape, dtype: 'float32' });
    graph.count(2 * util.sizeFromShape([...outer, ...shape]) * (transposeA ? aRows : aColumns));
    if (util.sizeFromShape(outer) === 1) {
      const matrices = [a!, b!].map((x) => reshape(graph, x, x.shape.slice(-2)));
      const [name] = graph.node('Gemm', matrices, { transA: Number(transposeA), transB: Number(transposeB) });
      return [reshape(graph, value(name!, shape), [...outer, ...shape])];
    }
    const side = (x: Value, transposed: unknown) => {
      const last = x.shape.length - 1;
      const axes = x.shape.map((_, at) => at);
      return transposed ? transpose(graph, x, [...axes.slice(0, -2), last, last - 1]) : x;
    };
    const [name] = graph.node('MatMul', [side(a!, transposeA), side(b!, transposeB)]);
    return [value(name!, [...outer, ...shape])];
  },

  Cast: (graph, [x], { dtype }) => [withNewValues(x!, cast(graph, x!.name, dtype as DataType), dtype as DataType)],

  Concat: (graph, parts, { axis }) => [concat(graph, parts, axisOf(axis, parts[0]!))],

  ExpandDims: (graph, [x], { dim }) => {
    const at = (dim as number) < 0 ? x!.shape.length + 1 + (dim as number) : (dim as number);
    return [reshape(graph, x!, x!.shape.toSpliced(at, 0, 1))];
  },

  FusedConv2D: (graph, [x, filter, bias], { strides, pad, activation }) => {
    const stride = [strides].flat() as number[];
    if (pad !== 'valid' || (activation !== 'relu' && activation !== 'linear'))
      throw new NotRecordable(`a convolution with padding ${pad} and activation ${activation}`);
    // Pictures are [n, height, width, channels] in tfjs, filters [height, width, in, out].
    const [pixels, weights] = [transpose(graph, x!, channelsFirst), transpose(graph, filter!, [3, 2, 0, 1])];
    const conv = graph.node('Conv', [pixels, weights, bias!], { strides: [stride[0]!, stride.at(-1)!] });
    const [name] = activation === 'relu' ? graph.node('Relu', conv) : conv;
    const made = channelsBack(graph, name!, pixels, weights.shape.slice(2), stride, weights.shape[0]!);
    graph.count(2 * util.sizeFromShape(made.shape) * util.sizeFromShape(weights.shape.slice(1)));
    return [made];
  },

  MaxPool: (graph, [x], { filterSize, strides, pad }) => {
    if (pad !== 'valid') throw new NotRecordable(`a maximum with padding ${pad}`);
    const [size, stride] = [filterSize, strides].map((value) => [value, value].flat().slice(0, 2) as number[]) as [
      number[],
      number[],
    ];
    const pixels = transpose(graph, x!, channelsFirst);
    const [name] = graph.node('MaxPool', [pixels], { kernel_shape: size, strides: stride });
    return [channelsBack(graph, name!, pixels, size, stride, pixels.shape[1]!)];
  },

  OneHot: (graph, [ids], attrs) => {
    const [depth, dtype] = [attrs.depth as number, attrs.dtype as DataType];
    const classes = graph.constant(
      'int32',
      [depth],
      Array.from({ length: depth }, (_, at) => at),
    );
    const [hot] = graph.node('Equal', [reshape(graph, ids!, [...ids!.shape, 1]), classes]);
    return [{ name: cast(graph, hot!, dtype), shape: [...ids!.shape, depth], dtype }];
  },

  Pack: (graph, parts, attrs) => {
    const axis = attrs.axis as number;
    const shape = parts[0]!.shape.toSpliced(axis, 0, 1);
    return [
      concat(
        graph,
        parts.map((part) => reshape(graph, part, shape)),
        axis,
      ),
    ];
  },

  PadV2: (graph, [x], attrs) => {
    const pads = attrs.paddings as [number, number][];
    const all = ints(graph, [...pads.map(([before]) => before), ...pads.map(([, after]) => after)]);
    const value = graph.constant(x!.dtype as ElementType, [], [attrs.constantValue as number]);
    const shape = x!.shape.map((size, at) => size + pads[at]![0] + pads[at]![1]);
    return [{ name: graph.node('Pad', [x!, all, value])[0]!, shape, dtype: x!.dtype }];
  },

  Reshape: (graph, [x], { shape }) => [
    reshape(graph, x!, util.inferFromImplicitShape(shape as number[], util.sizeFromShape(x!.shape))),
  ],

  Slice: (graph, [x], { begin, size }) => {
    // Only the shape of its first argument is read.
    const parsed = slice_util.parseSliceParams(x as unknown as Tensor, begin as number[], size as number[]);
    const [from, shape] = parsed as [number[], number[]];
    const part = shape.length === 1 && !x!.held ? partOf(graph, x!, from[0]!, shape[0]!) : null;
    if (part) return [part];
    const to = from.map((start, at) => start + shape[at]!);
    return [{ name: graph.node('Slice', [x!, ints(graph, from), ints(graph, to)])[0]!, shape, dtype: x!.dtype }];
  },

  Softmax: (graph, [x]) => [{ name: graph.node('Softmax', [x!], { axis: -1 })[0]!, shape: x!.shape, dtype: x!.dtype }],

  SplitV: (graph, [x], attrs) => {
    const axis = axisOf(attrs.axis, x!);
    const given = attrs.numOrSizeSplits as number | number[];
    const sizes = typeof given === 'number' ? new Array<number>(given).fill(x!.shape[axis]! / given) : given;
    const names = graph.node('Split', [x!, ints(graph, sizes)], { axis }, sizes.length);
    return sizes.map((size, at) => ({ name: names[at]!, shape: x!.shape.with(axis, size), dtype: x!.dtype }));
  },

  Square: (graph, [x], attrs) => elementwise('Mul')(graph, [x!, x!], attrs),

  Tile: (graph, [x], attrs) => {
    const reps = attrs.reps as number[];
    const shape = x!.shape.map((size, at) => size * reps[at]!);
    const held = x!.held ?? x!.shape;
    const padded = [...new Array<number>(reps.length - held.length).fill(1), ...held];
    if (padded.every((size, at) => size === 1 || reps[at] === 1)) return [{ name: x!.name, shape, dtype: x!.dtype, held }];
    return [{ name: graph.node('Tile', [x!, ints(graph, reps)])[0]!, shape, dtype: x!.dtype }];
  },

  Transpose: (graph, [x], { perm }) => [transpose(graph, x!, perm as number[])],

  ZerosLike: (graph, [x]) => [
    { name: graph.constant(x!.dtype as ElementType, [], [0]), shape: x!.shape, dtype: x!.dtype, held: [] },
  ],
};
