/**
 * The server's half of the trainers' link (shared/protocol.ts), in memory and on a real port, for the link's tests. It commits, deduplicates and answers
 * as a server must; a test can make it stop, come back, refuse, or lose an answer.
 */
import { createHash } from 'node:crypto';
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';
import type { LoggedCommand } from '~/shared/commands';
import type { TrainerEvent } from '~/shared/events';
import { unpack } from '~/shared/pack';
import {
  type Assignment,
  type BatchAnswer,
  eventBatch,
  paths,
  type Registration,
  type RegistrationAnswer,
  registration,
  type ServerToTrainer,
  type TrainerToServer,
} from '~/shared/protocol';
import { seqCount, stepAt, widthOf } from '~/shared/rows';

/** The server's log of one run; survives its restarts. */
export class CommittedLog {
  nextEvent = 0;
  /** Step rows one by one, and everything else, in order. */
  readonly flat: unknown[] = [];

  /** Commits the new events of a batch; false = earlier events are missing. */
  commit(from: number, events: readonly TrainerEvent[]): boolean {
    if (from > this.nextEvent) return false;
    let at = from;
    for (const event of events) {
      for (let i = 0; i < seqCount(event); i++, at++) {
        if (at < this.nextEvent) continue;
        this.nextEvent = at + 1;
        this.flat.push(flatten(event, i));
      }
    }
    return true;
  }
}

/** Row `i` of a rows event as plain data; any other event unchanged. */
export function flatten(event: TrainerEvent, i: number): unknown {
  if (event.type !== 'rows') return event;
  const width = widthOf(event);
  return { type: 'row', step: stepAt(event, i), values: [...event.values.subarray(i * width, (i + 1) * width)] };
}

export const flattenAll = (events: Iterable<TrainerEvent>): unknown[] =>
  [...events].flatMap((e) => Array.from({ length: seqCount(e) }, (_, i) => flatten(e, i)));

type TrainerSocket = Socket<TrainerToServer, ServerToTrainer>;

export class ScriptedServer {
  readonly token = 'a-token-for-tests';
  readonly log = new CommittedLog();
  readonly blobs = new Map<string, Buffer>();
  readonly registrations: Registration[] = [];
  /** Commands of the run, in seq order, that a reconnecting trainer may have missed. */
  readonly commands: LoggedCommand[] = [];
  run: { runId: string; attempt: number } | null = null;
  readyCount = 0;
  /** Answers to the next batches, instead of the right ones; `silence` commits without an answer. */
  readonly nextAnswers: (BatchAnswer | 'silence')[] = [];
  readonly nextBlobStatus: number[] = [];
  port = 0;
  #http: HttpServer | null = null;
  #io: Server<TrainerToServer, ServerToTrainer> | null = null;
  #socket: TrainerSocket | null = null;
  readonly #watchers = new Set<() => void>();

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<this> {
    const http = createServer((request, response) => void this.#onBlob(request, response));
    const io = new Server<TrainerToServer, ServerToTrainer>(http, {
      path: paths.trainers,
      transports: ['websocket'],
      serveClient: false,
    });
    io.use((socket, next) => {
      next(socket.handshake.headers.authorization === `Bearer ${this.token}` ? undefined : new Error('unknown token'));
    });
    io.on('connection', (socket) => this.#onConnection(socket));
    await new Promise<void>((resolve, reject) => http.once('error', reject).listen(this.port, '127.0.0.1', resolve));
    this.port = (http.address() as AddressInfo).port;
    this.#http = http;
    this.#io = io;
    return this;
  }

  /** Stops like a killed process: connections end, uncommitted events are lost. */
  async stop(): Promise<void> {
    this.#socket = null;
    this.#io?.engine.close();
    this.#http?.closeAllConnections();
    await new Promise<void>((resolve) => (this.#http ? this.#http.close(() => resolve()) : resolve()));
    this.#io = null;
    this.#http = null;
  }

  /** Cuts the connection; the trainer reconnects. */
  cut(): void {
    this.#socket?.conn.close();
  }

  assign(a: Assignment): void {
    this.run = { runId: a.runId, attempt: a.attempt };
    this.#socket!.emit('assign', a);
  }

  command(logged: LoggedCommand): void {
    this.commands.push(logged);
    if (this.run) this.#socket?.emit('command', { ...logged, runId: this.run.runId });
  }

  release(message: string): void {
    const run = this.run!;
    this.run = null;
    this.#socket!.emit('release', { ...run, message });
  }

  /** Resolves as soon as `condition` holds; checked after every event on this server. */
  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve) => {
      const check = () => {
        if (!condition()) return;
        this.#watchers.delete(check);
        resolve();
      };
      this.#watchers.add(check);
    });
  }

  #changed(): void {
    for (const check of [...this.#watchers]) check();
  }

  #onConnection(socket: TrainerSocket): void {
    socket.on('register', (r, answer) => answer(this.#register(socket, r)));
    socket.on('ready', () => {
      this.readyCount++;
      this.#changed();
    });
    socket.on('events', (bytes, answer) => {
      const reply = this.#onEvents(bytes);
      if (reply !== 'silence') answer(reply);
      this.#changed();
    });
  }

  #register(socket: TrainerSocket, message: unknown): RegistrationAnswer {
    const r = registration.parse(message);
    this.registrations.push(r);
    this.#socket = socket;
    queueMicrotask(() => this.#changed());
    const holding = r.holding.map(({ runId, attempt, lastCommandSeq }) => {
      if (this.run?.runId !== runId || this.run.attempt !== attempt)
        return { runId, attempt, ok: false as const, message: 'the run is no longer this trainer’s' };
      const commands = this.commands.filter((c) => c.seq > lastCommandSeq);
      return { runId, attempt, ok: true as const, nextEvent: this.log.nextEvent, commands };
    });
    return { ok: true, holding };
  }

  #onEvents(bytes: Uint8Array): BatchAnswer | 'silence' {
    const scripted = this.nextAnswers.shift();
    if (scripted && scripted !== 'silence') return scripted;
    const parsed = eventBatch.safeParse(unpack(bytes));
    if (!parsed.success) return { ok: false, reason: 'invalid', message: parsed.error.issues[0]!.message };
    const batch = { ...parsed.data, events: parsed.data.events as TrainerEvent[] };
    if (batch.runId !== this.run?.runId || batch.attempt !== this.run.attempt)
      return { ok: false, reason: 'fenced', message: 'a later attempt owns the run' };
    for (const e of batch.events)
      if ((e.type === 'snapshot' || e.type === 'checkpoint') && !this.blobs.has(e.blob.hash))
        return { ok: false, reason: 'missing-blob', hash: e.blob.hash, message: `blob ${e.blob.hash} is not here` };
    if (!this.log.commit(batch.from, batch.events))
      return {
        ok: false,
        reason: 'gap',
        nextEvent: this.log.nextEvent,
        message: `expected ${this.log.nextEvent}, got ${batch.from}`,
      };
    return scripted ?? { ok: true, nextEvent: this.log.nextEvent };
  }

  async #onBlob(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const end = (status: number, body: string | Buffer = '') => {
      response.writeHead(status).end(body);
      this.#changed();
    };
    const hash = request.url!.slice(paths.blobs.length + 1);
    if (request.headers.authorization !== `Bearer ${this.token}`) return end(401, 'unknown token');
    const scripted = this.nextBlobStatus.shift();
    // Like a proxy.
    if (scripted === 413) response.setHeader('content-type', 'text/html');
    if (scripted) return end(scripted, 'scripted');
    if (request.method === 'GET') return this.blobs.has(hash) ? end(200, this.blobs.get(hash)!) : end(404, 'no such blob');
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const bytes = Buffer.concat(parts);
    if (createHash('sha256').update(bytes).digest('hex') !== hash) return end(422, 'the bytes do not have that hash');
    this.blobs.set(hash, bytes);
    end(201);
  }
}
