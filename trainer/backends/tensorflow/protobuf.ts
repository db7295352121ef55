/** Writes the few protocol-buffer messages that make up a TensorFlow graph; field numbers from tensorflow/core/framework/*.proto. */

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

const wireVarint = 0;
const wireBytes = 2;
const wire32 = 5;

function varint(value: number | bigint): number[] {
  // Negative numbers are written as 64-bit two's complement: ten bytes.
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return [...bytes, Number(rest)];
}

const tag = (field: number, wire: number) => varint((field << 3) | wire);
const integer = (field: number, value: number | bigint | boolean) =>
  Uint8Array.from([...tag(field, wireVarint), ...varint(BigInt(value))]);
const bytes = (field: number, value: Uint8Array) =>
  Buffer.concat([Uint8Array.from([...tag(field, wireBytes), ...varint(value.length)]), value]);
const text = (field: number, value: string) => bytes(field, Buffer.from(value));
const packed = (field: number, values: Uint8Array[]) => bytes(field, Buffer.concat(values));

function float32(value: number): Uint8Array {
  return new Uint8Array(Float32Array.of(value).buffer);
}

/** TensorShapeProto */
function shapeProto(shape: number[]): Uint8Array {
  return Buffer.concat(shape.map((size) => bytes(2, integer(1, size))));
}

/** TensorProto */
function tensorProto({ dtype, shape, content }: ConstantTensor): Uint8Array {
  return Buffer.concat([integer(1, dtype), bytes(2, shapeProto(shape)), bytes(4, content)]);
}

/** AttrValue */
function attrProto({ name, type, value }: OpAttr): Uint8Array {
  if (type === attrType.shape) return bytes(7, shapeProto(value as number[]));
  if (Array.isArray(value)) {
    if (type === attrType.int)
      return bytes(
        1,
        packed(
          3,
          value.map((v: number) => Uint8Array.from(varint(v))),
        ),
      );
    if (type === attrType.float) return bytes(1, packed(4, value.map(float32)));
    if (type === attrType.bool)
      return bytes(
        1,
        packed(
          5,
          value.map((v: boolean) => Uint8Array.of(v ? 1 : 0)),
        ),
      );
  } else {
    if (type === attrType.string) return text(2, String(value));
    if (type === attrType.int) return integer(3, value as number);
    if (type === attrType.float) return Buffer.concat([Uint8Array.from(tag(4, wire32)), float32(value as number)]);
    if (type === attrType.bool) return integer(5, value as boolean);
    if (type === attrType.type) return integer(6, value as number);
  }
  throw new RangeError(`attribute ${name}: type ${type} with value ${value} has no place in a graph`);
}

/** NodeDef */
function nodeProto({ name, op, inputs, attrs, constant }: GraphNode): Uint8Array {
  const entry = (key: string, value: Uint8Array) => bytes(5, Buffer.concat([text(1, key), bytes(2, value)]));
  return Buffer.concat([
    text(1, name),
    text(2, op),
    ...inputs.map((input) => text(3, input)),
    ...attrs.map((attr) => entry(attr.name, attrProto(attr))),
    ...(constant ? [entry('value', bytes(8, tensorProto(constant)))] : []),
  ]);
}

/**
 * A SavedModel with one graph under the tag "serve", without variables or signatures: inputs and outputs are named when it is run.
 *
 * The producer version is that of TensorFlow 1.12 and later (27): no op that we record changed after it.
 */
export function savedModelProto(nodes: GraphNode[]): Uint8Array {
  const graph = Buffer.concat([...nodes.map((node) => bytes(1, nodeProto(node))), bytes(4, integer(1, 27))]);
  const metaGraph = Buffer.concat([bytes(1, text(4, 'serve')), bytes(2, graph)]);
  return Buffer.concat([integer(1, 1), bytes(2, metaGraph)]);
}
