import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { ServerOptions } from 'socket.io';

/** A socket.io server behind an HTTP server that never listens: requests and upgrades of its path are handed to it (http.ts). */
export interface Link {
  http: HttpServer;
  close(): Promise<void>;
}

/** Compression off: it costs seven times the CPU. */
export const socketOptions = (link: {
  path: string;
  maxBytes: number;
  /** Also over plain requests, for people behind a proxy that lets no websocket through. */
  polling?: boolean;
  /** null, or why this request may not connect. */
  allow(request: IncomingMessage): string | null;
}): Partial<ServerOptions> => ({
  path: link.path,
  serveClient: false,
  transports: link.polling ? ['websocket', 'polling'] : ['websocket'],
  maxHttpBufferSize: link.maxBytes,
  perMessageDeflate: false,
  httpCompression: false,
  connectTimeout: 10_000,
  allowRequest: (request, callback) => {
    const refusal = link.allow(request);
    callback(refusal, refusal === null);
  },
});
