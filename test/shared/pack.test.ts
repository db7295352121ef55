import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from '~/shared/json';
import { pack, unpack } from '~/shared/pack';

const anyDouble = fc.double({ noDefaultInfinity: false, noNaN: false }).filter((v) => !Object.is(v, -0));
const anyValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    anyDouble,
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.array(anyDouble).map((a) => Float64Array.from(a)),
    fc.array(fc.integer({ min: -5, max: 5 })).map((a) => Int32Array.from(a)),
    fc.uint8Array(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), tie('value'), { maxKeys: 4 }),
  ),
})).value;

describe('encodings that keep what training numbers need', () => {
  it('text: parse(stringify(v)) is v for every value with NaN, infinities and typed arrays inside', () => {
    fc.assert(fc.property(anyValue, (v) => void expect(parse(stringify(v))).toEqual(v)));
  });

  it('binary: unpack(pack(v)) is v for every such value', () => {
    fc.assert(fc.property(anyValue, (v) => void expect(unpack(pack(v))).toEqual(v)));
  });

  it('binary: a message read at an odd offset of a larger buffer is the same', () => {
    const message = pack({ rows: Float64Array.of(1, Number.NaN, -Infinity), note: 'ü' });
    const shifted = new Uint8Array(message.length + 3);
    shifted.set(message, 3);
    expect(unpack(shifted.subarray(3))).toEqual({ rows: Float64Array.of(1, Number.NaN, -Infinity), note: 'ü' });
  });

  it('binary: a Node Buffer, a view into a pool that other data share, is read as well', () => {
    const message = Buffer.from(pack({ rows: Float64Array.of(1, 2, 3), ids: Int32Array.of(7) }));
    expect(unpack(Buffer.concat([Buffer.from('abc'), message]).subarray(3))).toEqual({
      rows: Float64Array.of(1, 2, 3),
      ids: Int32Array.of(7),
    });
  });

  it('binary: any truncation or foreign start throws an error, never returns wrong data', () => {
    const message = pack({ a: Float64Array.of(1, 2, 3), b: [1, 2] });
    for (let n = 0; n < message.length; n++) expect(() => unpack(message.subarray(0, n))).toThrow();
    expect(() => unpack(new TextEncoder().encode('{"type":"steps"}'))).toThrow('packed message: wrong first bytes');
  });

  it('binary: an array that points outside the message is refused', () => {
    const text = new TextEncoder().encode('{"a":{"$f64":[0,800]}}  ');
    const message = new Uint8Array(8 + text.length);
    message.set([0x48, 0x52, 0x4d, 0x31, text.length]);
    message.set(text, 8);
    expect(() => unpack(message)).toThrow('packed message: array at [0,800] lies outside its 32 bytes');
  });
});
