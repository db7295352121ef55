/** Writes an ONNX model; field numbers from onnx/onnx.proto. */
import protobuf from 'protobufjs/light.js';

/** TensorProto.DataType of the dtypes that a graph holds. */
export const elementType = { float32: 1, int32: 6, int64: 7, bool: 9 } as const;
export type ElementType = keyof typeof elementType;

export type Attribute = number | number[];

export interface OnnxNode {
  op: string;
  inputs: string[];
  outputs: string[];
  attributes: Record<string, Attribute>;
}

export interface OnnxValue {
  name: string;
  dtype: ElementType;
  shape: readonly number[];
}

/** `values`: row by row. */
export interface OnnxConstant extends OnnxValue {
  values: ArrayLike<number>;
}

export interface OnnxGraph {
  nodes: OnnxNode[];
  constants: OnnxConstant[];
  inputs: OnnxValue[];
  outputs: OnnxValue[];
}

/** The last version of the operators in which the axes of a mean or a maximum are an attribute. */
const operatorVersion = 17;
/** AttributeProto.AttributeType */
const attributeType = { int: 2, ints: 7 } as const;

const one = (type: string, id: number) => ({ type, id });
const many = (type: string, id: number) => ({ type, id, rule: 'repeated' });

const modelProto = protobuf.Root.fromJSON({
  nested: {
    Model: { fields: { irVersion: one('int64', 1), graph: one('Graph', 7), operators: many('Operators', 8) } },
    Operators: { fields: { domain: one('string', 1), version: one('int64', 2) } },
    Graph: {
      fields: {
        nodes: many('Node', 1),
        name: one('string', 2),
        constants: many('Tensor', 5),
        inputs: many('Value', 11),
        outputs: many('Value', 12),
      },
    },
    Node: {
      fields: { inputs: many('string', 1), outputs: many('string', 2), op: one('string', 4), attributes: many('Attribute', 5) },
    },
    Attribute: { fields: { name: one('string', 1), int: one('int64', 3), ints: many('int64', 8), type: one('int32', 20) } },
    Tensor: { fields: { dims: many('int64', 1), dtype: one('int32', 2), name: one('string', 8), content: one('bytes', 9) } },
    Value: { fields: { name: one('string', 1), type: one('Type', 2) } },
    Type: { fields: { tensor: one('TensorType', 1) } },
    TensorType: { fields: { dtype: one('int32', 1), shape: one('Shape', 2) } },
    Shape: { fields: { dims: many('Dim', 1) } },
    Dim: { fields: { size: one('int64', 1) } },
  },
}).lookupType('Model');

const arrays: Record<ElementType, (values: ArrayLike<number>) => { buffer: ArrayBuffer }> = {
  float32: (values) => Float32Array.from(values),
  int32: (values) => Int32Array.from(values),
  int64: (values) => BigInt64Array.from(Array.from(values, BigInt)),
  bool: (values) => Uint8Array.from(values),
};

const valueInfo = ({ name, dtype, shape }: OnnxValue) => ({
  name,
  type: { tensor: { dtype: elementType[dtype], shape: { dims: shape.map((size) => ({ size })) } } },
});

const attributeOf = ([name, value]: [string, Attribute]) =>
  typeof value === 'number' ? { name, int: value, type: attributeType.int } : { name, ints: value, type: attributeType.ints };

export function onnxModel({ nodes, constants, inputs, outputs }: OnnxGraph): Uint8Array {
  const graph = {
    name: 'step',
    nodes: nodes.map((node) => ({ ...node, attributes: Object.entries(node.attributes).map(attributeOf) })),
    constants: constants.map(({ name, shape, dtype, values }) => ({
      ...{ name, dims: shape, dtype: elementType[dtype] },
      content: new Uint8Array(arrays[dtype](values).buffer),
    })),
    inputs: inputs.map(valueInfo),
    outputs: outputs.map(valueInfo),
  };
  return modelProto.encode({ irVersion: 8, graph, operators: [{ domain: '', version: operatorVersion }] }).finish();
}
