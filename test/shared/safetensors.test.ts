import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSafetensors, SafetensorsError, serializeSafetensors, type TensorData } from '~/shared/safetensors';

const golden = () => new Uint8Array(readFileSync(new URL('../fixtures/reverse.safetensors', import.meta.url)));

/** A file with this header text and these data bytes, whatever they are. */
function file(header: string, data: number[] = []): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

const messageOf = (bytes: Uint8Array): string => {
  try {
    parseSafetensors(bytes);
  } catch (e) {
    expect(e).toBeInstanceOf(SafetensorsError);
    return (e as Error).message;
  }
  return 'parsed';
};

describe('safetensors', () => {
  test('what was written reads back equal, for any tensors', () => {
    const data: fc.Arbitrary<TensorData> = fc.oneof(
      fc.float32Array(),
      fc.float64Array(),
      fc.int32Array(),
      fc.uint8Array(),
      fc.bigInt64Array(),
    ) as fc.Arbitrary<TensorData>;
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string().filter((s) => s !== '__metadata__' && s !== '__proto__'),
          data,
        ),
        fc.string(),
        (named, note) => {
          const list = Object.entries(named).map(([name, d]) => [name, { shape: [d.length], data: d }] as const);
          const back = parseSafetensors(serializeSafetensors(list, { note }));
          expect(back.metadata).toEqual({ note });
          expect(new Map([...back.tensors].map(([n, t]) => [n, t.data]))).toEqual(new Map(list.map(([n, t]) => [n, t.data])));
        },
      ),
    );
  });

  test('reads a file written by Python: names, shapes, values, metadata', () => {
    const { tensors, metadata } = parseSafetensors(golden());
    expect(JSON.parse(metadata.case!)).toMatchObject({ task: 'reverse', seed: 11, clip: 5 });
    expect(tensors.get('batches')).toMatchObject({ dtype: 'I32', shape: [40, 32, 16] });
    // steps 0..4 are the warm-up to 5: s/5 of 5e-3 times the cosine, 0 at step 0
    expect(tensors.get('trajectory.lr')!.data[0]).toBe(0);
    expect(tensors.get('trajectory.lr')!.data[1]).toBeCloseTo(5e-3 * 0.5 * (1 + Math.cos(Math.PI / 60)) * 0.2, 9);
  });

  test('F16 and BF16 are widened to f32', () => {
    // f16: 1.0, -2, smallest subnormal, inf; bf16: 1.0, -2
    const f16 = file('{"x":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}}', [0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0x00, 0x7c]);
    expect(parseSafetensors(f16).tensors.get('x')!.data).toEqual(new Float32Array([1, -2, 2 ** -24, Number.POSITIVE_INFINITY]));
    const bf16 = file('{"x":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}', [0x80, 0x3f, 0x00, 0xc0]);
    expect(parseSafetensors(bf16).tensors.get('x')!.data).toEqual(new Float32Array([1, -2]));
  });

  test('a file cut at any length is refused, never half read', () => {
    const whole = golden();
    for (const length of [0, 7, 8, 100, 5000, whole.length - 1])
      expect(messageOf(whole.subarray(0, length)), `cut to ${length}`).not.toBe('parsed');
    expect(messageOf(whole.subarray(0, whole.length - 1))).toBe(
      'truncated: the tensors need 341728 bytes, the file has 341727 after its header',
    );
  });

  test('foreign and corrupt files are refused with the reason', () => {
    expect(messageOf(new TextEncoder().encode('%PDF-1.7 something else entirely'))).toBe(
      'not a safetensors file: its first 8 bytes are no plausible header length',
    );
    expect(messageOf(file('{"x":'))).toBe('not a safetensors file, or corrupt: the header is not JSON in UTF-8');
    expect(messageOf(file('[]'))).toBe('not a safetensors file, or corrupt: the header is not a JSON object');
    expect(messageOf(file('{"x":{"dtype":"Q4","shape":[1],"data_offsets":[0,4]}}', [0, 0, 0, 0]))).toBe(
      'tensor "x": dtype "Q4" is not one of F64, F32, F16, BF16, I64, I32, U8',
    );
    expect(messageOf(file('{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', [0, 0, 0, 0]))).toBe(
      'tensor "x": shape [2] of F32 needs 8 bytes, data_offsets give 4',
    );
    expect(messageOf(file('{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', [0, 0, 0, 0]))).toBe(
      'tensor "x": shape [-1] is not a list of sizes',
    );
    const pair = '{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"y":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}';
    expect(messageOf(file(pair, [1, 2, 3]))).toBe('tensor "y": starts at byte 1 of the data, expected 2');
    expect(messageOf(file('{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', [1, 2]))).toBe(
      'corrupt: 1 bytes follow the last tensor',
    );
    expect(messageOf(file('{"__metadata__":{"a":1}}'))).toBe('corrupt header: __metadata__ is not a map of strings');
  });

  test('any single damaged header byte gives an error or a file, never a crash of another kind', () => {
    const whole = serializeSafetensors([['w', { shape: [2, 2], data: new Float32Array(4) }]], { a: 'b' });
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
        const damaged = whole.slice();
        damaged[at] = value;
        messageOf(damaged);
      }),
    );
  });

  test('a shape that does not fit its data is not written', () => {
    expect(() => serializeSafetensors([['w', { shape: [2, 3], data: new Float32Array(4) }]])).toThrow(
      'tensor "w": shape [2, 3] holds 6 elements, data has 4',
    );
  });
});
