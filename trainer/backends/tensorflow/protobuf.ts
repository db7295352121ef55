/** Writes a TensorFlow graph as a SavedModel; field numbers from tensorflow/core/framework/*.proto. */
import protobuf from 'protobufjs/light.js';

/** TF_AttrType of tensorflow/c/tf_attrtype.h: the `type` of an op attribute as tfjs-node passes it. */
export const attrType = { string: 0, int: 1, float: 2, bool: 3, type: 4, shape: 5 } as const;

/** One op attribute in tfjs-node's form, with TensorFlow's enum numbers. */
export interface OpAttr {
  name: string;
  type: number;
  value: unknown;
}

/** A constant tensor: its TensorFlow dtype number, shape, and little-endian content. */
export interface ConstantTensor {
  dtype: number;
  shape: number[];
  content: Uint8Array;
}

/** One op of a graph. `inputs` are "name" or "name:output". */
export interface GraphNode {
  name: string;
  op: string;
  inputs: string[];
  attrs: OpAttr[];
  constant?: ConstantTensor;
}

const one = (type: string, id: number) => ({ type, id });
const many = (type: string, id: number) => ({ type, id, rule: 'repeated' });
const packed = (type: string, id: number) => ({ ...many(type, id), options: { packed: true } });

const savedModel = protobuf.Root.fromJSON({
  nested: {
    SavedModel: { fields: { version: one('int64', 1), graphs: many('MetaGraph', 2) } },
    MetaGraph: { fields: { about: one('MetaInfo', 1), graph: one('Graph', 2) } },
    MetaInfo: { fields: { tags: many('string', 4) } },
    Graph: { fields: { nodes: many('Node', 1), versions: one('Versions', 4) } },
    Versions: { fields: { producer: one('int32', 1) } },
    Node: {
      fields: {
        name: one('string', 1),
        op: one('string', 2),
        inputs: many('string', 3),
        attrs: { ...one('Attr', 5), keyType: 'string' } as protobuf.IMapField,
      },
    },
    Attr: {
      fields: {
        list: one('List', 1),
        string: one('bytes', 2),
        int: one('int64', 3),
        float: one('float', 4),
        bool: one('bool', 5),
        type: one('int32', 6),
        shape: one('Shape', 7),
        tensor: one('Tensor', 8),
      },
      // Of a choice, a 0 or false is written too.
      oneofs: { value: { oneof: ['list', 'string', 'int', 'float', 'bool', 'type', 'shape', 'tensor'] } },
    },
    List: { fields: { int: packed('int64', 3), float: packed('float', 4), bool: packed('bool', 5) } },
    Tensor: { fields: { dtype: one('int32', 1), shape: one('Shape', 2), content: one('bytes', 4) } },
    Shape: { fields: { dims: many('Dim', 2) } },
    Dim: { fields: { size: one('int64', 1) } },
  },
}).lookupType('SavedModel');

const shapeOf = (shape: number[]) => ({ dims: shape.map((size) => ({ size })) });

function attrOf({ name, type, value }: OpAttr): object {
  const kind = (Object.keys(attrType) as (keyof typeof attrType)[]).find((key) => attrType[key] === type);
  if (kind === 'shape') return { shape: shapeOf(value as number[]) };
  if (Array.isArray(value)) {
    if (kind === 'int' || kind === 'float' || kind === 'bool') return { list: { [kind]: value } };
  } else if (kind === 'string') return { string: Buffer.from(String(value)) };
  else if (kind) return { [kind]: value };
  throw new RangeError(`attribute ${name}: type ${type} with value ${value} has no place in a graph`);
}

const nodeOf = ({ name, op, inputs, attrs, constant }: GraphNode) => ({
  name,
  op,
  inputs,
  attrs: Object.fromEntries([
    ...attrs.map((attr) => [attr.name, attrOf(attr)]),
    ...(constant ? [['value', { tensor: { ...constant, shape: shapeOf(constant.shape) } }]] : []),
  ]),
});

/**
 * A SavedModel with one graph under the tag "serve", without variables or signatures: inputs and outputs are named when it is run.
 *
 * The producer version is that of TensorFlow 1.12 and later (27): no op that we record changed after it.
 */
export function savedModelProto(nodes: GraphNode[]): Uint8Array {
  const graph = { nodes: nodes.map(nodeOf), versions: { producer: 27 } };
  return savedModel.encode({ version: 1, graphs: [{ about: { tags: ['serve'] }, graph }] }).finish();
}
