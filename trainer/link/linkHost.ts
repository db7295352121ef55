import { io, type Socket } from 'socket.io-client';
import { addressAt, paths, type ServerToTrainer, type TrainerToServer } from '~/shared/protocol';
import { certificateHelp } from '~/shared/unknownCertificate';
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

/** Why no connection came about, and what helps: of a websocket that did not open, socket.io's own message says nothing. */
export function whyUnreached(error: Error): string {
  type Description = { message?: string; error?: { code?: string } };
  const { message, error: cause } = (error as { description?: Description }).description ?? {};
  if (!message) return error.message;
  const status = Number(/^Unexpected server response: (\d+)$/.exec(message)?.[1]);
  if (status >= 500) return `it answered ${status} where a Headroom server opens a websocket`;
  if (status > 0)
    return `it answered ${status} where a Headroom server opens a websocket; check the address and its path; a proxy before it must pass on websockets (HTTP/1.1, with the header Upgrade)`;
  const help = certificateHelp(cause?.code);
  return help === null ? message : `${message}; ${help}`;
}

export const realHost: LinkHost = {
  connect({ server, token }) {
    const address = addressAt(server, paths.trainers);
    return io(address.origin, {
      path: address.pathname,
      transports: ['websocket'],
      // Read anew for each connection: from the date the server learns that this machine's clock is wrong.
      extraHeaders: {
        authorization: `Bearer ${token}`,
        get date() {
          return new Date().toUTCString();
        },
      },
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
