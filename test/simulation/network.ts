/**
 * A network for the socket.io calls that the product makes. One connection keeps the order of its messages, and may stall; when it
 * breaks, messages under way may be lost or still arrive, and each end learns of it at its own time (a half-open connection). Messages
 * of an earlier connection can therefore arrive after those of a later one, and a resend is a duplicate.
 */
import { copied } from '~/test/support/copied';
import type { World } from './world';

type Handler = (...args: never[]) => unknown;

class Emitter {
  readonly #handlers = new Map<string, Handler[]>();
  readonly #any: Handler[] = [];

  on(name: string, handler: Handler): this {
    const known = this.#handlers.get(name);
    if (known) known.push(handler);
    else this.#handlers.set(name, [handler]);
    return this;
  }

  onAny(handler: Handler): this {
    this.#any.push(handler);
    return this;
  }

  /** A message of the other end. */
  protected received(name: string, args: unknown[]): void {
    for (const handler of this.#any) handler(...([name, ...args] as never[]));
    this.happened(name, args);
  }

  /** Something of this end, for example `disconnect`. */
  protected happened(name: string, args: unknown[]): void {
    for (const handler of this.#handlers.get(name) ?? []) handler(...(args as never[]));
  }
}

export interface NetworkSettings {
  /** Longest usual delay of a message, ms. */
  delayMs: number;
  /** Share of messages that wait for seconds, and all behind them. */
  stalls: number;
  /** Longest time until an end learns that its connection is broken, ms. */
  noticeMs: number;
}

/** An end of a connection as the connection sees it. */
interface End {
  deliver(name: string, args: unknown[], answer: ((value: unknown) => void) | null): void;
  closed(reason: string): void;
}

type Side = 'client' | 'server';
const other = (side: Side): Side => (side === 'client' ? 'server' : 'client');

/** A process with its connections. */
export interface Process {
  alive: boolean;
}

export class Connection {
  #broken = false;
  readonly #open = { client: true, server: true };
  /** Messages under way to this side are lost. */
  readonly #lost = { client: false, server: false };
  readonly #lastArrival = { client: 0, server: 0 };
  /** Messages under way to the client. */
  underWay = 0;
  readonly #drained: (() => void)[] = [];

  constructor(
    private readonly world: World,
    private readonly settings: NetworkSettings,
    private readonly ends: Record<Side, End>,
    private readonly processes: Record<Side, Process>,
  ) {}

  get broken(): boolean {
    return this.#broken;
  }

  send(from: Side, name: string, args: unknown[], onAnswer: ((value: unknown) => void) | null): void {
    const copy = copied(args);
    this.#pass(from, () => {
      const answer =
        onAnswer &&
        ((value: unknown) => {
          const own = copied(value);
          this.#pass(other(from), () => onAnswer(own));
        });
      this.ends[other(from)].deliver(name, copy, answer);
    });
  }

  /** Closed by one side: the other learns it after what was sent before. */
  close(from: Side, reason: string): void {
    if (!this.#open[from]) return;
    this.#pass(from, () => this.#end(other(from), reason));
    this.#open[from] = false;
    if (this.#broken) return;
    this.#broken = true;
    // Nobody reads what is still under way to the side that closed.
    this.#lost[from] = true;
  }

  /** The line breaks. @param noticed when each side learns it, ms from now */
  cut(noticed: Partial<Record<Side, number>> = {}): void {
    if (this.#broken) return;
    this.#broken = true;
    for (const side of ['client', 'server'] as const) {
      this.#lost[side] = this.world.chance(0.7);
      const ms = noticed[side] ?? this.world.between(0, this.settings.noticeMs);
      this.world.after(ms, () => this.#end(side, side === 'client' ? 'transport close' : 'ping timeout'));
    }
  }

  onDrain(task: () => void): void {
    this.#drained.push(task);
  }

  #pass(from: Side, arrive: () => void): void {
    if (this.#broken || !this.#open[from] || !this.processes[from].alive) return;
    const to = other(from);
    const { world, settings } = this;
    const delay = world.chance(settings.stalls) ? world.between(500, 6000) : world.between(0.1, settings.delayMs);
    const at = Math.max(this.#lastArrival[to], world.now + delay);
    this.#lastArrival[to] = at;
    if (to === 'client') this.underWay++;
    world.at(at, () => {
      if (to === 'client' && --this.underWay === 0) for (const task of this.#drained.splice(0)) task();
      if (this.#open[to] && !this.#lost[to] && this.processes[to].alive) arrive();
    });
  }

  #end(side: Side, reason: string): void {
    if (!this.#open[side]) return;
    this.#open[side] = false;
    this.#broken = true;
    if (this.processes[side].alive) this.ends[side].closed(reason);
  }
}

/** The server's end: what server/sockets uses of socket.io's Socket. */
export class ServerSocket extends Emitter implements End {
  connected = true;
  data: Record<string, unknown> = {};
  connection!: Connection;
  readonly conn = {
    writeBuffer: { length: 0 },
    once: (_drain: 'drain', task: () => void) => this.connection.onDrain(task),
    close: () => this.#close('io server disconnect'),
  };

  constructor(readonly id: string) {
    super();
    Object.defineProperty(this.conn.writeBuffer, 'length', { get: () => this.connection.underWay });
  }

  emit(name: string, ...args: unknown[]): void {
    const last = args.at(-1);
    if (typeof last === 'function') this.connection.send('server', name, args.slice(0, -1), last as (value: unknown) => void);
    else this.connection.send('server', name, args, null);
  }

  disconnect(_all?: boolean): void {
    this.#close('io server disconnect');
  }

  deliver(name: string, args: unknown[], answer: ((value: unknown) => void) | null): void {
    this.received(name, answer ? [...args, answer] : args);
  }

  closed(reason: string): void {
    if (!this.connected) return;
    this.connected = false;
    this.happened('disconnect', [reason]);
  }

  #close(reason: string): void {
    if (!this.connected) return;
    this.connection.close('server', reason);
    this.closed('server namespace disconnect');
  }
}

/** Where a client connects: the server that listens now accepts, or nobody does. */
export type Door = () => { process: Process; accept(socket: ServerSocket): void } | null;

/** The client's end: what trainer/link and the page's wire use of socket.io-client's Socket. */
export class ClientSocket extends Emitter {
  connected = false;
  /** socket.io connects again by itself. */
  active = true;
  id: string | undefined;
  #connection: Connection | null = null;
  #failures = 0;
  /** Number of the current attempt to connect. */
  #attempt = 0;
  #unsent: (() => void)[] = [];
  readonly #asked = new Set<(error: Error) => void>();

  constructor(
    private readonly world: World,
    private readonly settings: NetworkSettings,
    private readonly process: Process,
    private readonly door: Door,
    private readonly connections: Set<Connection>,
  ) {
    super();
    this.connect();
  }

  get volatile() {
    return { emit: (name: string, ...args: unknown[]) => void (this.connected && this.emit(name, ...args)) };
  }

  emit(name: string, ...args: unknown[]): void {
    this.#send(() => this.#connection!.send('client', name, args, null));
  }

  timeout(ms: number) {
    return {
      emitWithAck: (name: string, ...args: unknown[]) =>
        new Promise<unknown>((resolve, reject) => {
          const fail = (error: Error) => {
            this.#asked.delete(fail);
            cancel();
            reject(error);
          };
          const cancel = this.world.after(ms, () => this.process.alive && fail(new Error('operation has timed out')));
          this.#asked.add(fail);
          this.#send(() => {
            if (!this.#asked.has(fail)) return;
            this.#connection!.send('client', name, args, (value) => {
              if (!this.#asked.delete(fail)) return;
              cancel();
              resolve(value);
            });
          });
        }),
    };
  }

  connect(): this {
    this.active = true;
    if (this.connected) return this;
    const attempt = ++this.#attempt;
    this.world.after(this.world.between(1, 2 * this.settings.delayMs), () => {
      if (attempt !== this.#attempt || !this.process.alive) return;
      const server = this.door();
      if (!server) {
        this.happened('connect_error', [new Error('connection refused')]);
        this.#again();
        return;
      }
      const end = new ServerSocket(this.world.newId('socket'));
      // Each connection has an end of its own, so that nothing of an earlier one is taken for the present one's.
      const mine: End = {
        deliver: (name, args, answer) => {
          if (this.#connection === connection) this.received(name, answer ? [...args, answer] : args);
        },
        closed: (reason) => {
          if (this.#connection === connection) this.#lost(reason);
        },
      };
      const connection = new Connection(
        this.world,
        this.settings,
        { client: mine, server: end },
        { client: this.process, server: server.process },
      );
      end.connection = connection;
      for (const old of this.connections) if (old.broken) this.connections.delete(old);
      this.connections.add(connection);
      this.#connection = connection;
      this.connected = true;
      this.id = end.id;
      this.#failures = 0;
      server.accept(end);
      for (const send of this.#unsent.splice(0)) send();
      this.happened('connect', []);
    });
    return this;
  }

  disconnect(): this {
    this.active = false;
    this.#attempt++;
    if (this.connected) {
      this.#connection!.close('client', 'client namespace disconnect');
      this.#left('io client disconnect');
    }
    return this;
  }

  /** The process was killed: the server learns it at once, or after a while. */
  gone(): void {
    this.#connection?.cut({ server: this.world.chance(0.5) ? 0 : this.world.between(0, this.settings.noticeMs) });
  }

  #send(send: () => void): void {
    if (this.connected) send();
    else this.#unsent.push(send);
  }

  #lost(reason: string): void {
    this.#left(reason);
    if (reason === 'io server disconnect') this.active = false;
    else if (this.active) this.#again();
  }

  #left(reason: string): void {
    this.connected = false;
    this.#connection = null;
    this.id = undefined;
    for (const fail of [...this.#asked]) fail(new Error('socket has been disconnected'));
    this.happened('disconnect', [reason]);
  }

  #again(): void {
    const attempt = this.#attempt;
    const ms = Math.min(5000, 250 * 2 ** this.#failures++) * this.world.between(0.5, 1.5);
    this.world.after(ms, () => attempt === this.#attempt && this.active && this.process.alive && this.connect());
  }
}
