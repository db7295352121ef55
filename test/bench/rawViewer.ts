/**
 * A viewer that costs its own process little, for benches with a thousand of them: the messages of socket.io over a plain websocket, of
 * which it answers frames and pings and reads nothing else.
 */
import WebSocket from 'ws';
import { addressAt, paths } from '~/shared/protocol';

export interface RawViewer {
  close(): void;
}

/** Resolves once the run is being watched. @param onFrame is called with each packed frame, after it has been acknowledged */
export function watchRaw(server: string, runId: string, onFrame: (packed: Uint8Array) => void): Promise<RawViewer> {
  const at = addressAt(server, `${paths.viewers}/`);
  const socket = new WebSocket(`ws://${at.host}${at.pathname}?EIO=4&transport=websocket`, { perMessageDeflate: false });
  /** Number of the frame whose bytes come next. */
  let frame: string | null = null;
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', (code) => reject(new Error(`the connection of a viewer ended (${code})`)));
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) {
        if (frame === null) return;
        socket.send(`43${frame}[]`);
        frame = null;
        onFrame(data);
        return;
      }
      // engine.io: 0 open, 2 ping, 4 message; socket.io in a message: 0 connected, 3 and 6 answers, 5 an event with bytes.
      const text = data.toString('latin1');
      if (text.startsWith('0')) socket.send('40');
      else if (text === '2') socket.send('3');
      else if (text.startsWith('40')) socket.send(`420["watch",${JSON.stringify({ runId, cursor: null })}]`);
      else if (/^4[36]/.test(text)) resolve({ close: () => socket.terminate() });
      else frame = /^451-(\d+)\["frame"/.exec(text)?.[1] ?? null;
    });
  });
}
