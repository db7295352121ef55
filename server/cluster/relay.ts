/**
 * Serves the viewers of a node that stands by, so that a leader serves many more people than its own process could. Each viewer has a
 * connection of its own to the leader, which knows and counts it and answers it; only the frames of a run, which are nearly all of
 * the traffic, come once and are sent on from here (relayedRun.ts).
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Server, type Socket } from 'socket.io';
import { io as connect } from 'socket.io-client';
import type { Clock } from '~/server/base/clock';
import { refuseUpgrade } from '~/server/base/respond';
import { socketOptions } from '~/server/sockets/link';
import { drop, maxUnsentPackets, unsentPackets } from '~/server/sockets/viewers';
import { unpack } from '~/shared/pack';
import { addressAt, paths } from '~/shared/protocol';
import { viewerParser } from '~/shared/viewerParser';
import {
  type Cursor,
  type Frame,
  type Looking,
  type ServerToViewer,
  type WatchAnswer,
  watchRequest,
} from '~/shared/viewerProtocol';
import { forwardedHeaders, type Target, targetOf } from './forward';
import { RelayedRun, type Upstream } from './relayedRun';

/** How long the leader may take to let a viewer in. */
const connectWithinMs = 10_000;

export class Relay {
  readonly #http = createServer();
  readonly #io: Server;
  readonly #runs = new Map<string, RelayedRun>();
  /** What the leader said to each viewer that came: its connection, or why it may not come in. */
  readonly #answers = new WeakMap<IncomingMessage, Upstream | Error>();
  /** Viewers whom the leader has not let in yet: how to refuse each. */
  readonly #coming = new Map<Duplex, () => void>();

  constructor(
    private readonly target: () => Target,
    private readonly clock: Clock,
  ) {
    this.#io = new Server(
      this.#http,
      socketOptions({ path: paths.viewers, maxBytes: 64 * 1024, parser: viewerParser, allow: () => null }),
    );
    this.#io.use(({ request }, next) => {
      const answer = this.#answers.get(request);
      next(answer instanceof Error ? answer : undefined);
    });
    this.#io.on('connection', (socket) => this.#serve(socket, this.#answers.get(socket.request) as Upstream));
  }

  /**
   * Takes the websocket of a viewer, and lets the viewer in when the leader has let it in.
   *
   * @param path without the base path
   * @returns false for any other websocket, without a leader, and for a viewer that began with plain requests: the leader has its session
   */
  take(request: IncomingMessage, socket: Duplex, head: Buffer, path: string): boolean {
    const url = URL.canParse(path, 'http://localhost') ? new URL(path, 'http://localhost') : null;
    const target = targetOf(request, this.target());
    if (url?.pathname.replace(/\/$/, '') !== paths.viewers || url.searchParams.has('sid') || 'problem' in target) return false;
    socket.on('error', () => socket.destroy());
    const at = addressAt(target.address, paths.viewers);
    const own = Object.entries(forwardedHeaders(request)).filter(([name]) => !name.startsWith('sec-websocket-'));
    const upstream: Upstream = connect(at.origin, {
      path: at.pathname,
      parser: viewerParser,
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      timeout: connectWithinMs,
      extraHeaders: Object.fromEntries(own) as Record<string, string>,
    });
    const refuse = () => void (this.#coming.delete(socket) && refuseUpgrade(socket, '502 Bad Gateway'));
    this.#coming.set(socket, refuse);
    const letIn = (answer: Upstream | Error) => {
      if (!this.#coming.delete(socket)) return;
      this.#answers.set(request, answer);
      request.url = path;
      this.#http.emit('upgrade', request, socket, head);
    };
    socket.once('close', () => {
      this.#coming.delete(socket);
      upstream.disconnect();
    });
    upstream.once('connect', () => letIn(upstream));
    // Errors of the network have a type; others are refusals, which the viewer reads as if it were connected to the leader.
    upstream.once('connect_error', (error) => ('type' in error ? refuse() : letIn(error)));
    // The leader ended after it took the connection and before it let the viewer in.
    upstream.once('disconnect', refuse);
    return true;
  }

  /** Ends all connections: viewers come again, to whoever leads then. */
  cut(): void {
    for (const refuse of this.#coming.values()) refuse();
    for (const { conn } of this.#io.sockets.sockets.values()) conn.close();
  }

  async close(): Promise<void> {
    await this.#io.close();
  }

  #serve(socket: Socket, upstream: Upstream): void {
    const leave = (runId: string) => {
      const run = this.#runs.get(runId);
      run?.leave(upstream);
      if (run?.size === 0) this.#runs.delete(runId);
    };
    const watched = new Set<string>();
    const watch = async (runId: string, cursor: Cursor | null): Promise<WatchAnswer> => {
      leave(runId);
      watched.add(runId);
      const run = this.#runs.get(runId) ?? new RelayedRun(runId, this.clock);
      this.#runs.set(runId, run);
      const port = {
        // Only the leader says who watches.
        actor: { id: '', name: '', role: 'viewer' } as const,
        frame: (packed: Uint8Array, acknowledge: () => void) => void socket.emit('frame', packed, acknowledge),
        watchers() {},
        drop: (message: string) => drop(socket, runId, message, this.clock),
      };
      const answer = await run.join(upstream, port, cursor);
      if (run.size === 0 && this.#runs.get(runId) === run) this.#runs.delete(runId);
      return answer;
    };

    socket.onAny((name: string, ...args: unknown[]) => {
      const known = name === 'watch' ? watchRequest.safeParse(args[0]) : null;
      if (known?.success && known.data.frames) {
        const answer = args.at(-1);
        void watch(known.data.runId, known.data.cursor).then((a) => typeof answer === 'function' && answer(a));
        return;
      }
      const { runId } = (args[0] ?? {}) as { runId?: unknown };
      if (name === 'unwatch' && typeof runId === 'string' && watched.delete(runId)) leave(runId);
      (upstream as unknown as Socket).emit(name, ...args);
    });
    upstream.onAny((name: string, ...args: unknown[]) => {
      if (name === 'frame') {
        const [packed, acknowledge] = args as Parameters<ServerToViewer['frame']>;
        acknowledge();
        const frame = unpack(packed) as Frame;
        if (watched.has(frame.runId)) this.#runs.get(frame.runId)?.take(upstream, frame);
        return;
      }
      if (socket.conn.readyState !== 'open') return;
      if (unsentPackets(socket) > maxUnsentPackets) {
        // The next message of the clock says the same.
        if (name !== 'time') drop(socket, null, 'this page does not read what it is sent', this.clock);
        return;
      }
      if (name === 'looks') args[0] = withTab(args[0] as { looks: Looking[] }, upstream.id, socket.id);
      socket.emit(name, ...args);
      if (name === 'dropped') socket.conn.close();
    });
    // As the leader did: a browser that was disconnected on purpose waits before it comes again.
    upstream.once('disconnect', (reason) => (reason === 'io server disconnect' ? socket.disconnect(true) : socket.conn.close()));
    if (!upstream.connected) socket.conn.close();
    socket.once('disconnect', () => {
      for (const runId of watched) leave(runId);
      upstream.disconnect();
    });
  }
}

/** The leader knows a viewer's tab by its own connection, the page by the one to this relay. */
const withTab = (message: { looks: Looking[] }, theirs: string | undefined, own: string) => ({
  ...message,
  looks: message.looks.map((l) => (l.tab === theirs ? { ...l, tab: own } : l)),
});
