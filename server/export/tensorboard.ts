import type { StoredStream } from '~/server/store';
import { listsOf } from '~/server/store/lists';
import { maskedCrc32c } from './crc32c';
import { mergedRows } from './mergedRows';
import { type RecordSource, viewOf } from './source';

/**
 * TensorBoard event files: records of u64 length | u32 masked crc32c of it | Event message | u32 masked crc32c of that, little-endian.
 * Scalars are `simple_value`, which the format keeps in 32 bits.
 * Sources: tensorflow/core/lib/io/record_writer.h; tensorflow/core/util/event.proto; framework/summary.proto.
 */
export async function* writeTensorboard(source: RecordSource, runId: string): AsyncGenerator<Uint8Array> {
  const view = await viewOf(source, runId);
  yield record(event(view.createdAt, 0, field(3, Buffer.from('brain.Event:2'))));
  for (const stream of await source.streams(runId)) yield* streamEvents(source, runId, stream);
  for await (const page of listsOf(source, runId).pages('evaluations'))
    for (const { step, split, metrics, at } of page) {
      const scalars = metrics.map(({ name, value }) => scalar(Buffer.from(`evaluation/${split}/${name}`), value));
      yield record(event(at, step, field(5, Buffer.concat(scalars))));
    }
}

/** Rows of a stream: an event each, with its series and no other. */
async function* streamEvents(source: RecordSource, runId: string, stream: StoredStream): AsyncGenerator<Uint8Array> {
  // The summary of a row is the same bytes for every step but for the values, which lie at the end of their scalars.
  const scalars = stream.columns.map((c) => scalar(Buffer.from(c.name), 0));
  const summary = Buffer.concat(scalars);
  let end = 0;
  const valueAt = scalars.map((s) => {
    end += s.length;
    return end - 4;
  });
  const columns = stream.columns.map((_, i) => ({ from: i, to: i }));
  let out: Uint8Array[] = [];
  let bytes = 0;
  for await (const { step, time, cells } of mergedRows(source, runId, [{ stream, columns }])) {
    for (let c = 0; c < cells.length; c++) summary.writeFloatLE(cells[c]!, valueAt[c]!);
    const one = record(event(time, step, field(5, summary)));
    out.push(one);
    bytes += one.length;
    if (bytes < 65_536) continue;
    yield Buffer.concat(out);
    out = [];
    bytes = 0;
  }
  yield Buffer.concat(out);
}

function record(data: Uint8Array): Uint8Array {
  const out = Buffer.alloc(16 + data.length);
  out.writeBigUInt64LE(BigInt(data.length), 0);
  out.writeUInt32LE(maskedCrc32c(out.subarray(0, 8)), 8);
  out.set(data, 12);
  out.writeUInt32LE(maskedCrc32c(data), 12 + data.length);
  return out;
}

/** Event: wall_time double = 1, step int64 = 2, then file_version = 3 or summary = 5. */
function event(atMs: number, step: number, what: Uint8Array): Uint8Array {
  const time = Buffer.alloc(9);
  time[0] = (1 << 3) | 1;
  time.writeDoubleLE(atMs / 1000, 1);
  return Buffer.concat([time, Uint8Array.of(2 << 3), int64(step), what]);
}

/** Summary.Value in Summary.value = 1: tag string = 1, simple_value float = 2. */
function scalar(tag: Uint8Array, value: number): Uint8Array {
  const simple = Buffer.alloc(5);
  simple[0] = (2 << 3) | 5;
  simple.writeFloatLE(value, 1);
  return field(1, Buffer.concat([field(1, tag), simple]));
}

const field = (number: number, bytes: Uint8Array): Uint8Array =>
  Buffer.concat([Uint8Array.of((number << 3) | 2), varint(bytes.length), bytes]);

function varint(value: number): Uint8Array {
  const out: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) out.push((value % 128) | 128);
  return Uint8Array.from([...out, value]);
}

/** Negative numbers take ten bytes: two's complement of 64 bits. */
function int64(value: number): Uint8Array {
  if (value >= 0) return varint(value);
  const out: number[] = [];
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    const low = Number(rest & 127n);
    if (rest < 128n) return Uint8Array.from([...out, low]);
    out.push(low | 128);
  }
}
