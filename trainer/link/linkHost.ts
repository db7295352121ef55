import { io, type Socket } from 'socket.io-client';
import { addressAt, paths, type ServerToTrainer, type TrainerToServer } from '~/shared/protocol';
import { putBlob } from './blobs';
import type { LinkStart } from './messages';

/** Delays between tries to reach the server: the first one, and the longest. */
export const retryMs = { first: 100, most: 5_000 };

/** The link's surroundings. The simulation (test/simulation) gives it a clock and a network of its own. */
export interface LinkHost {
  connect(start: LinkStart): Socket<ServerToTrainer, TrainerToServer>;
  putBlob(at: LinkStart, hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** ms; never decreases. */
  elapsed(): number;
  /** Runs `task` once, `ms` from now; the result cancels it. */
  after(ms: number, task: () => void): () => void;
  /** 0 <= r < 1 */
  random(): number;
}

export const realHost: LinkHost = {
  connect({ server, token }) {
    const address = addressAt(server, paths.trainers);
    return io(address.origin, {
      path: address.pathname,
      transports: ['websocket'],
      extraHeaders: { authorization: `Bearer ${token}` },
      reconnectionDelay: 250,
      reconnectionDelayMax: retryMs.most,
      randomizationFactor: 0.5,
    });
  },
  putBlob,
  elapsed: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
  random: Math.random,
};
