/** Serves one file over HTTP with ranges, and can stall, break off, send wrong headers or refuse. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Mood {
  /** Closes the connection after this many bytes of the body. */
  breakAfter?: number;
  /** Delays the break until this is true: received bytes that the client has not read yet would be lost with the connection. */
  breakWhen?: () => boolean;
  /** Sends this many bytes of the body, then nothing more. */
  stallAfter?: number;
  status?: number;
  ignoreRange?: boolean;
}

export class FileServer {
  /** One entry for each of the next requests; later requests are served normally. */
  readonly moods: Mood[] = [];
  readonly ranges: (string | undefined)[] = [];
  etag: string | null = '"1"';
  bytes: Buffer;
  #server: Server | null = null;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes);
  }

  async start(): Promise<this> {
    const server = createServer((request, response) => {
      const mood = this.moods.shift() ?? {};
      const { range } = request.headers;
      this.ranges.push(range);
      if (mood.status) return response.writeHead(mood.status).end('no');
      const fresh = request.headers['if-range'] === undefined || request.headers['if-range'] === this.etag;
      const from = range && fresh && !mood.ignoreRange ? Number(/^bytes=(\d+)-$/.exec(range)![1]) : 0;
      if (from >= this.bytes.length && range && fresh) {
        return response.writeHead(416, { 'content-range': `bytes */${this.bytes.length}` }).end();
      }
      const body = this.bytes.subarray(from);
      response.writeHead(from > 0 ? 206 : 200, { 'content-length': body.length, ...(this.etag !== null && { etag: this.etag }) });
      const some = mood.breakAfter ?? mood.stallAfter;
      if (some === undefined) return response.end(body);
      response.write(body.subarray(0, some), () => {
        const breakOff = () => (mood.breakWhen?.() === false ? setTimeout(breakOff, 5) : response.destroy());
        if (mood.breakAfter !== undefined) breakOff();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#server = server;
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server!.address() as AddressInfo).port}/file`;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise<void>((resolve) => (this.#server ? this.#server.close(() => resolve()) : resolve()));
  }
}
