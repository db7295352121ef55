/** Numbers of a tensor in an event file, by the type that it states. */
import { exact, type Tensor } from '~/server/base/tensorboardEvents';
import { halfToSingle } from '~/shared/safetensors';

/** DataType of tensorflow/core/framework/types.proto. */
export const DT = {
  FLOAT: 1,
  DOUBLE: 2,
  INT32: 3,
  UINT8: 4,
  INT16: 5,
  INT8: 6,
  STRING: 7,
  INT64: 9,
  BOOL: 10,
  BFLOAT16: 14,
  UINT16: 17,
  HALF: 19,
  UINT32: 22,
  UINT64: 23,
} as const;

export function sizeOf({ shape }: Tensor): number {
  let size = 1;
  for (const dim of shape?.dims ?? []) size *= exact(dim.size) ?? Number.NaN;
  return size;
}

/** Elements of a numeric tensor; the last stored element is repeated for missing ones; null: another kind, or none stored. */
export function numbersOf(tensor: Tensor, size: number): number[] | null {
  const { dtype, content } = tensor;
  if (content?.length) return fromBytes(dtype, content, size);
  const written = listOf(tensor);
  if (!written || written.length === 0 || size > 1 << 24) return null;
  return Array.from({ length: size }, (_, i) => written[Math.min(i, written.length - 1)]!);
}
function listOf(tensor: Tensor): number[] | null {
  switch (tensor.dtype) {
    case DT.FLOAT:
      return tensor.floats;
    case DT.DOUBLE:
      return tensor.doubles;
    case DT.INT32:
    case DT.UINT8:
    case DT.INT16:
    case DT.INT8:
    case DT.UINT16:
      return tensor.ints;
    case DT.INT64:
      return tensor.longs.map(Number);
    case DT.BOOL:
      return tensor.bools.map(Number);
    case DT.HALF:
      return tensor.halves.map(halfToSingle);
    case DT.BFLOAT16:
      return tensor.halves.map(brain);
    case DT.UINT32:
      return tensor.unsigned;
    case DT.UINT64:
      return tensor.unsignedLongs.map(Number);
    default:
      return null;
  }
}

/** bfloat16 is the upper half of a float. */
const brain = (bits: number): number => {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits << 16);
  return view.getFloat32(0);
};

function fromBytes(dtype: number, bytes: Uint8Array, size: number): number[] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read: Partial<Record<number, [width: number, at: (offset: number) => number]>> = {
    [DT.FLOAT]: [4, (o) => view.getFloat32(o, true)],
    [DT.DOUBLE]: [8, (o) => view.getFloat64(o, true)],
    [DT.INT32]: [4, (o) => view.getInt32(o, true)],
    [DT.UINT8]: [1, (o) => view.getUint8(o)],
    [DT.INT16]: [2, (o) => view.getInt16(o, true)],
    [DT.INT8]: [1, (o) => view.getInt8(o)],
    [DT.INT64]: [8, (o) => Number(view.getBigInt64(o, true))],
    [DT.BOOL]: [1, (o) => view.getUint8(o)],
    [DT.BFLOAT16]: [2, (o) => brain(view.getUint16(o, true))],
    [DT.UINT16]: [2, (o) => view.getUint16(o, true)],
    [DT.HALF]: [2, (o) => halfToSingle(view.getUint16(o, true))],
    [DT.UINT32]: [4, (o) => view.getUint32(o, true)],
    [DT.UINT64]: [8, (o) => Number(view.getBigUint64(o, true))],
  };
  const [width, at] = read[dtype] ?? [0, null];
  if (!at || bytes.length !== size * width) return null;
  return Array.from({ length: size }, (_, i) => at(i * width));
}
