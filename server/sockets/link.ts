import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { ServerOptions } from 'socket.io';

/** A socket.io server behind an HTTP server that never listens: http.ts passes it the requests and upgrades of its path. */
export interface Link {
  http: HttpServer;
  close(): Promise<void>;
}

/** Compression is off: it takes seven times the CPU. */
export const socketOptions = (link: {
  path: string;
  maxBytes: number;
  /** Also allow plain requests, for people behind a proxy that blocks websockets. */
  polling?: boolean;
  /** socket.io's own, unless given. */
  parser?: ServerOptions['parser'];
  /** null, or why this request may not connect. */
  allow(request: IncomingMessage): string | null;
}): Partial<ServerOptions> => ({
  path: link.path,
  serveClient: false,
  transports: link.polling ? ['websocket', 'polling'] : ['websocket'],
  parser: link.parser,
  maxHttpBufferSize: link.maxBytes,
  perMessageDeflate: false,
  httpCompression: false,
  connectTimeout: 10_000,
  allowRequest: (request, callback) => {
    const refusal = link.allow(request);
    callback(refusal, refusal === null);
  },
});
