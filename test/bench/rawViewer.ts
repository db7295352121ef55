/**
 * A viewer that costs its own process little, for benches with a thousand of them: the messages of socket.io over a plain websocket, of
 * which it answers frames and pings and reads nothing else.
 */
import WebSocket from 'ws';
import { addressAt, paths } from '~/shared/protocol';
import type { Look } from '~/shared/viewerProtocol';

export interface RawViewer {
  look(look: Look): void;
  close(): void;
}

/** Resolves once the run is being watched. @param onFrame is called with each packed frame, after it has been acknowledged */
export function watchRaw(
  server: string,
  runId: string,
  onFrame: (packed: Uint8Array) => void,
  headers: Record<string, string> = {},
): Promise<RawViewer> {
  const at = addressAt(server, `${paths.viewers}/`);
  const socket = new WebSocket(`ws://${at.host}${at.pathname}?EIO=4&transport=websocket`, { perMessageDeflate: false, headers });
  return new Promise((resolve, reject) => {
    const watching = () =>
      resolve({
        look: (look) => socket.send(`42["look",${JSON.stringify({ runId, look })}]`),
        close: () => socket.terminate(),
      });
    socket.on('error', reject);
    socket.on('close', (code) => reject(new Error(`the connection of a viewer ended (${code})`)));
    socket.on('message', (data: Buffer, isBinary) => {
      // engine.io: 0 open, 2 ping, 4 message; socket.io in a message: 0 connected, 3 and 6 answers, 5 an event with bytes.
      if (isBinary) {
        // See shared/viewerParser.ts.
        const bytesAt = 4 + data.readUInt32LE(0);
        const text = data.toString('latin1', 4, bytesAt);
        const frame = /^51-(\d+)\["frame"/.exec(text)?.[1];
        if (text.startsWith('6')) return watching();
        if (frame === undefined) return;
        socket.send(`43${frame}[]`);
        onFrame(data.subarray(bytesAt + 4));
        return;
      }
      const text = data.toString('latin1');
      if (text.startsWith('0')) socket.send('40');
      else if (text === '2') socket.send('3');
      else if (text.startsWith('40')) socket.send(`420["watch",${JSON.stringify({ runId, cursor: null })}]`);
      else if (text.startsWith('43')) watching();
    });
  });
}
