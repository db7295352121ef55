import fc from 'fast-check';
import { type Packet, PacketType } from 'socket.io-parser';
import { describe, expect, it } from 'vitest';
import { viewerParser } from '~/shared/viewerParser';

const event = (...data: unknown[]): Packet => ({ type: PacketType.EVENT, nsp: '/', id: 7, data });
const encoded = (packet: Packet) => new viewerParser.Encoder().encode(packet);
function decoded(message: string | ArrayBuffer | Uint8Array): Packet[] {
  const packets: Packet[] = [];
  const decoder = new viewerParser.Decoder();
  decoder.on('decoded', (packet) => packets.push(packet));
  decoder.add(message);
  return packets;
}

const value = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.integer(),
  fc.constant(null),
  fc.uint8Array(),
  fc.record({ runId: fc.string(), view: fc.uint8Array() }),
);

describe("the parser of the viewers' socket", () => {
  it('writes every packet as one message, which is read as the same packet', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 5 }), (data) => {
        const messages = encoded(event('frame', ...data));
        expect(messages).toHaveLength(1);
        const [packet] = decoded(messages[0]!);
        expect(packet!.id).toBe(7);
        expect(packet!.data).toEqual(['frame', ...data]);
      }),
    );
  });

  it('reads a message out of a larger buffer, and out of the ArrayBuffer that a browser gives', () => {
    const message = encoded(event('frame', Uint8Array.of(1, 2, 3)))[0] as Uint8Array<ArrayBuffer>;
    const larger = new Uint8Array(message.length + 6);
    larger.set(message, 3);
    for (const given of [larger.subarray(3, 3 + message.length), message.buffer])
      expect(decoded(given)[0]!.data).toEqual(['frame', Uint8Array.of(1, 2, 3)]);
  });

  it('leaves a packet without bytes as the text that socket.io writes', () => {
    expect(encoded(event('look', { step: 3 }))).toEqual(['27["look",{"step":3}]']);
  });

  it('refuses a message that is cut short', () => {
    const message = encoded(event('frame', Uint8Array.of(1, 2, 3)))[0] as Uint8Array;
    const cut = message.subarray(0, -1);
    expect(() => decoded(cut)).toThrow(
      `a part that ends at byte ${message.length} lies outside its message of ${cut.length} bytes`,
    );
    expect(() => decoded(message.subarray(0, 2))).toThrow(RangeError);
  });
});
