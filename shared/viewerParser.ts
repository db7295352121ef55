import { Decoder, Encoder, type Packet } from 'socket.io-parser';

/**
 * How the viewers' socket writes its packets: as socket.io does, except that a packet with bytes is one message, not one for its text and
 * one for each array of bytes. Every message costs the server a call of the operating system for each viewer, and the second one waited
 * until the first was written.
 *
 * Such a message is a sequence of parts, the text first; each is u32 length, little-endian | bytes.
 */
class ViewerEncoder extends Encoder {
  override encode(packet: Packet): (string | Uint8Array)[] {
    const [text, ...arrays] = super.encode(packet) as [string, ...Uint8Array[]];
    if (arrays.length === 0) return [text];
    const parts = [new TextEncoder().encode(text), ...arrays];
    const out = new Uint8Array(parts.reduce((bytes, part) => bytes + 4 + part.length, 0));
    const view = new DataView(out.buffer);
    let at = 0;
    for (const part of parts) {
      view.setUint32(at, part.length, true);
      out.set(part, at + 4);
      at += 4 + part.length;
    }
    return [out];
  }
}

class ViewerDecoder extends Decoder {
  /** @throws Error when a message is not such a sequence; socket.io then ends the connection */
  override add(message: string | ArrayBuffer | Uint8Array): void {
    if (typeof message === 'string') {
      super.add(message);
      return;
    }
    const bytes = message instanceof Uint8Array ? message : new Uint8Array(message);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at < bytes.length; ) {
      const end = at + 4 + view.getUint32(at, true);
      if (end > bytes.length)
        throw new Error(`a part that ends at byte ${end} lies outside its message of ${bytes.length} bytes`);
      const part = bytes.subarray(at + 4, end);
      super.add(at === 0 ? new TextDecoder().decode(part) : part);
      at = end;
    }
  }
}

/** Both ends of `paths.viewers` use it (shared/protocol.ts). */
export const viewerParser = { Encoder: ViewerEncoder, Decoder: ViewerDecoder };
