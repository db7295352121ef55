import { createReadStream } from 'node:fs';
import { maskedCrc32c } from '~/server/export/crc32c';
import { ImportError } from './importError';
import { Numbers } from './numbers';
import { MAX_SERIES, MAX_VALUES, type Table, type TableStream } from './table';

/** Longer records hold pictures or graphs that no scalar needs; this bounds the memory. */
const RECORD = 512 << 20;

/**
 * The scalars of a TensorBoard event file (export/tensorboard.ts has the format), as simple values or as tensors of one number. A step with several values
 * of a tag keeps the last. Pictures, histograms and texts are passed over. A last record that is not whole, as in a file that is still written, is left out.
 *
 * @throws ImportError with the record and its byte
 */
export async function readTensorboard(file: string, report: (bytesRead: number) => void = () => {}): Promise<Table> {
  const tags = new Map<string, { steps: Numbers; values: Numbers }>();
  const times = new Map<number, number>();
  let leftOut: string | null = null;
  let count = 0;
  for await (const { bytes, where, whole } of records(file, report)) {
    if (!whole) {
      leftOut = `the file ends inside ${where}, which is left out`;
      break;
    }
    let wallTime = 0;
    let step = 0;
    const summaries: Uint8Array[] = [];
    try {
      for (const f of fieldsOf(bytes)) {
        if (f.number === 1 && f.wire === 1) wallTime = view(f.bytes).getFloat64(0, true);
        else if (f.number === 2 && f.wire === 0) step = f.value;
        else if (f.number === 5 && f.wire === 2) summaries.push(f.bytes);
      }
      for (const summary of summaries)
        for (const value of fieldsOf(summary)) {
          if (value.number !== 1 || value.wire !== 2) continue;
          const scalar = scalarOf(value.bytes);
          if (!scalar) continue;
          if (!Number.isSafeInteger(step)) throw new Error('its step is not a whole number between -2^53 and 2^53');
          let tag = tags.get(scalar.tag);
          if (!tag) {
            if (tags.size === MAX_SERIES) throw new Error(`more than the ${MAX_SERIES} tags that are taken`);
            tag = { steps: new Numbers(), values: new Numbers() };
            tags.set(scalar.tag, tag);
          }
          tag.steps.push(step);
          tag.values.push(scalar.value);
          if (++count > MAX_VALUES) throw new Error(`more than the ${MAX_VALUES} numbers that one run takes`);
          times.set(step, wallTime * 1000);
        }
    } catch (error) {
      throw new ImportError(`${where}: ${(error as Error).message}`);
    }
  }
  if (tags.size === 0) throw new ImportError('the event file holds no scalars');
  return { streams: bySteps([...tags], times), leftOut };
}

/** Tags that have values at the same steps are a stream. */
function bySteps(tags: [name: string, { steps: Numbers; values: Numbers }][], times: ReadonlyMap<number, number>): TableStream[] {
  const streams = new Map<string, TableStream[]>();
  const out: TableStream[] = [];
  const names = new Set<string>();
  for (const [tag, given] of tags) {
    const name = tag.slice(0, 512);
    if (names.has(name)) throw new ImportError(`two tags are the same in their first 512 letters: "${name}"`);
    names.add(name);
    const values = given.values.array();
    // The last value of a step stays.
    const byStep = new Map(Array.from(given.steps.array(), (step, i) => [step, values[i]!]));
    const steps = Float64Array.from(byStep.keys()).sort();
    const series = { name, values: Float64Array.from(steps, (step) => byStep.get(step)!) };
    const key = `${steps.length} ${steps[0]} ${steps.at(-1)}`;
    const alike = streams.get(key) ?? [];
    streams.set(key, alike);
    const same = alike.find((s) => s.steps.every((step, i) => step === steps[i]));
    if (same) same.series.push(series);
    else {
      const stream = { steps, timesMs: Float64Array.from(steps, (step) => times.get(step)!), series: [series] };
      alike.push(stream);
      out.push(stream);
    }
  }
  return out;
}

/** `whole`: false for what the file ends in. */
async function* records(
  file: string,
  report: (bytesRead: number) => void,
): AsyncGenerator<{ bytes: Uint8Array; where: string; whole: boolean }> {
  const input = createReadStream(file, { highWaterMark: 1 << 20 });
  /** What is not used up, in the pieces in which it came: a large record is put together once. */
  let held: Buffer[] = [];
  let size = 0;
  let needed = 12;
  let at = 0;
  let number = 0;
  for await (const chunk of input as AsyncIterable<Buffer>) {
    report(input.bytesRead);
    held.push(chunk);
    size += chunk.length;
    if (size < needed) continue;
    const all = held.length === 1 ? held[0]! : Buffer.concat(held);
    let used = 0;
    for (;;) {
      const rest = all.subarray(used);
      needed = 12;
      if (rest.length < needed) break;
      const where = `record ${number + 1} at byte ${at + used}`;
      if (maskedCrc32c(rest.subarray(0, 8)) !== rest.readUInt32LE(8))
        throw new ImportError(
          number === 0
            ? 'this is not a TensorBoard event file'
            : `${where}: the checksum of its length is wrong; the file is damaged: copy it again`,
        );
      const length = Number(rest.readBigUInt64LE(0));
      if (length > RECORD) throw new ImportError(`${where}: ${length} bytes are more than the ${RECORD} allowed`);
      needed = 16 + length;
      if (rest.length < needed) break;
      const bytes = rest.subarray(12, 12 + length);
      if (maskedCrc32c(bytes) !== rest.readUInt32LE(12 + length))
        throw new ImportError(`${where}: its checksum is wrong; the file is damaged: copy it again`);
      yield { bytes, where, whole: true };
      number++;
      used += needed;
    }
    held = [all.subarray(used)];
    size = all.length - used;
    at += used;
  }
  if (size === 0) return;
  if (number === 0) throw new ImportError('this is not a TensorBoard event file, or its first record is not whole');
  yield { bytes: new Uint8Array(0), where: `record ${number + 1} at byte ${at}`, whole: false };
}

interface Field {
  number: number;
  wire: number;
  /** Wire types 1, 2 and 5. */
  bytes: Uint8Array;
  /** Wire type 0; beyond 2^53 only that it is no safe integer. */
  value: number;
}

const none = new Uint8Array(0);

/** The fields of a protobuf message. Source: https://protobuf.dev/programming-guides/encoding/ */
function fieldsOf(message: Uint8Array): Field[] {
  const out: Field[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    const first = at;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++];
      if (byte === undefined || scale > 2 ** 63) throw new Error('its message is malformed');
      value += (byte & 127) * scale;
      // Ten bytes: a negative number, or one that no number holds exactly.
      if (byte < 128) return at - first < 10 ? value : signed(message.subarray(first, at));
    }
  };
  const take = (length: number) => {
    if (at + length > message.length) throw new Error('its message is malformed');
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const key = varint();
    const number = Math.floor(key / 8);
    const wire = key % 8;
    if (wire === 0) out.push({ number, wire, bytes: none, value: varint() });
    else if (wire === 1) out.push({ number, wire, bytes: take(8), value: 0 });
    else if (wire === 2) out.push({ number, wire, bytes: take(varint()), value: 0 });
    else if (wire === 5) out.push({ number, wire, bytes: take(4), value: 0 });
    else throw new Error('its message is malformed');
  }
  return out;
}

/** A varint as the int64 it stands for. */
function signed(bytes: Uint8Array): number {
  const bits = bytes.reduce((sum, byte, i) => sum | (BigInt(byte & 127) << BigInt(7 * i)), 0n);
  return Number(BigInt.asIntN(64, bits));
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Summary.Value: tag = 1, simple_value = 2, tensor = 8; null when it is no scalar. */
function scalarOf(message: Uint8Array): { tag: string; value: number } | null {
  let tag = '';
  let value: number | null = null;
  for (const f of fieldsOf(message)) {
    if (f.number === 1 && f.wire === 2) tag = Buffer.from(f.bytes.buffer, f.bytes.byteOffset, f.bytes.length).toString();
    else if (f.number === 2 && f.wire === 5) value = view(f.bytes).getFloat32(0, true);
    else if (f.number === 8 && f.wire === 2) value = tensorScalar(f.bytes);
  }
  return value === null || tag === '' ? null : { tag, value };
}

/** TensorProto: dtype = 1 (float 1, double 2), tensor_shape = 2, tensor_content = 4, float_val = 5, double_val = 6. */
function tensorScalar(message: Uint8Array): number | null {
  let dtype = 0;
  let scalar = true;
  let content: Uint8Array | null = null;
  for (const f of fieldsOf(message)) {
    if (f.number === 1 && f.wire === 0) dtype = f.value;
    else if (f.number === 2 && f.wire === 2) scalar = fieldsOf(f.bytes).every((dim) => dim.number !== 2);
    else if (f.number === 4 || f.number === 5 || f.number === 6) content = f.bytes;
  }
  if (!scalar || !content) return null;
  if (dtype === 1 && content.length === 4) return view(content).getFloat32(0, true);
  return dtype === 2 && content.length === 8 ? view(content).getFloat64(0, true) : null;
}
