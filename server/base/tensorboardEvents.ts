import protobuf from 'protobufjs/light.js';

/**
 * TensorBoard's event files: records of u64 length | u32 masked CRC-32C of it | Event message | u32 masked CRC-32C of that,
 * little-endian. The messages are as tensorflow/core/util/event.proto, framework/summary.proto, framework/tensor.proto and
 * tensorboard/plugins/hparams/plugin_data.proto declare them, limited to the fields that runs need.
 */

/** A 64-bit integer. */
interface Long {
  toNumber(): number;
}

/** @param choice fields of a oneof: a stored 0 is distinguished from a missing field */
const fields = (
  all: Record<string, [id: number, type: string]>,
  { repeated = [], choice }: { repeated?: readonly string[]; choice?: string[] } = {},
) => ({
  fields: Object.fromEntries(
    Object.entries(all).map(([name, [id, type]]) => [name, { id, type, ...(repeated.includes(name) && { rule: 'repeated' }) }]),
  ),
  ...(choice && { oneofs: { choice: { oneof: choice } } }),
});

const root = protobuf.Root.fromJSON({
  nested: {
    Event: fields(
      {
        wallTime: [1, 'double'],
        step: [2, 'int64'],
        fileVersion: [3, 'string'],
        graphDef: [4, 'bytes'],
        summary: [5, 'Summary'],
        logMessage: [6, 'bytes'],
        sessionLog: [7, 'SessionLog'],
        taggedRunMetadata: [8, 'bytes'],
        metaGraphDef: [9, 'bytes'],
      },
      { choice: ['fileVersion', 'graphDef', 'summary', 'logMessage', 'sessionLog', 'taggedRunMetadata', 'metaGraphDef'] },
    ),
    SessionLog: fields({ status: [1, 'int32'] }),
    Summary: fields({ value: [1, 'Value'] }, { repeated: ['value'] }),
    Value: fields(
      {
        tag: [1, 'string'],
        simpleValue: [2, 'float'],
        image: [4, 'Image'],
        histo: [5, 'Histogram'],
        audio: [6, 'bytes'],
        nodeName: [7, 'string'],
        tensor: [8, 'Tensor'],
        metadata: [9, 'Metadata'],
      },
      { choice: ['simpleValue', 'image', 'histo', 'audio', 'tensor'] },
    ),
    Image: fields({ encoded: [4, 'bytes'] }),
    Histogram: fields(
      { min: [1, 'double'], max: [2, 'double'], limits: [6, 'double'], counts: [7, 'double'] },
      { repeated: ['limits', 'counts'] },
    ),
    Metadata: fields({ pluginData: [1, 'PluginData'] }),
    PluginData: fields({ pluginName: [1, 'string'], content: [2, 'bytes'] }),
    Tensor: fields(
      {
        dtype: [1, 'int32'],
        shape: [2, 'Shape'],
        content: [4, 'bytes'],
        floats: [5, 'float'],
        doubles: [6, 'double'],
        ints: [7, 'int32'],
        strings: [8, 'bytes'],
        longs: [10, 'int64'],
        bools: [11, 'bool'],
        halves: [13, 'int32'],
        unsigned: [16, 'uint32'],
        unsignedLongs: [17, 'uint64'],
      },
      { repeated: ['floats', 'doubles', 'ints', 'strings', 'longs', 'bools', 'halves', 'unsigned', 'unsignedLongs'] },
    ),
    Shape: fields({ dims: [2, 'Dim'] }, { repeated: ['dims'] }),
    Dim: fields({ size: [1, 'int64'] }),
    HParams: fields({ sessionStart: [3, 'SessionStart'] }),
    SessionStart: fields({ hparams: [1, 'HParam'] }, { repeated: ['hparams'] }),
    // A map entry is a message of key and value.
    HParam: fields({ key: [1, 'string'], value: [2, 'HParamValue'] }),
    HParamValue: fields(
      { number: [2, 'double'], text: [3, 'string'], truth: [4, 'bool'] },
      { choice: ['number', 'text', 'truth'] },
    ),
  },
});

export interface Tensor {
  dtype: number;
  shape?: { dims: { size: Long | number }[] };
  content?: Uint8Array;
  floats: number[];
  doubles: number[];
  ints: number[];
  strings: Uint8Array[];
  longs: (Long | number)[];
  bools: boolean[];
  halves: number[];
  unsigned: number[];
  unsignedLongs: (Long | number)[];
}

/** One value of a summary. A field that is not in the file is not an own property. */
export interface SummaryValue {
  tag: string;
  simpleValue?: number;
  image?: { encoded: Uint8Array };
  histo?: { min: number; max: number; limits: number[]; counts: number[] };
  audio?: Uint8Array;
  nodeName: string;
  tensor?: Tensor;
  metadata?: { pluginData?: { pluginName: string; content: Uint8Array } };
}

export interface TensorboardEvent {
  wallTime: number;
  step: Long | number;
  fileVersion?: string;
  graphDef?: Uint8Array;
  summary?: { value: SummaryValue[] };
  logMessage?: Uint8Array;
  sessionLog?: { status: number };
  taggedRunMetadata?: Uint8Array;
  metaGraphDef?: Uint8Array;
}

export interface HParams {
  sessionStart?: { hparams: { key: string; value?: { number?: number; text?: string; truth?: boolean } }[] };
}

const Event = root.lookupType('Event');
const HParamsData = root.lookupType('HParams');

/** @throws Error when the message is malformed */
export const decodeEvent = (bytes: Uint8Array): TensorboardEvent => Event.decode(bytes) as unknown as TensorboardEvent;
export const decodeHParams = (bytes: Uint8Array): HParams => HParamsData.decode(bytes) as unknown as HParams;
export const encodeEvent = (event: Partial<Record<keyof TensorboardEvent, unknown>>): Uint8Array => Event.encode(event).finish();

/** Whether the file has the field: a default is not an own property. */
export const has = <M extends object>(message: M, field: keyof M): boolean => Object.hasOwn(message, field);

/** A 64-bit number as a double, or null when no double equals it. */
export function exact(value: Long | number): number | null {
  const number = typeof value === 'number' ? value : value.toNumber();
  return Number.isSafeInteger(number) ? number : null;
}

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  return c >>> 0;
});

/** CRC-32C (Castagnoli), reflected polynomial 0x82f63b78. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Rotated and shifted, so that a CRC of data that holds CRCs is not degenerate. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** The event as a record of an event file. */
export function recordOf(data: Uint8Array): Buffer {
  const out = Buffer.alloc(16 + data.length);
  out.writeBigUInt64LE(BigInt(data.length), 0);
  out.writeUInt32LE(maskedCrc32c(out.subarray(0, 8)), 8);
  out.set(data, 12);
  out.writeUInt32LE(maskedCrc32c(data), 12 + data.length);
  return out;
}
