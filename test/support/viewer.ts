/** A viewer for tests: a real socket, `await viewer.next('frame')`, and the view from applying frames as the page does. */
import { io, type Socket } from 'socket.io-client';
import { applyFrame } from '~/shared/applyFrame';
import type { Command, CommandAnswer } from '~/shared/commands';
import type { Entry } from '~/shared/events';
import { unpack } from '~/shared/pack';
import { addressAt, paths } from '~/shared/protocol';
import type { RunView } from '~/shared/view';
import { viewerParser } from '~/shared/viewerParser';
import type { Cursor, Frame, ServerToViewer, ViewerToServer, WatchAnswer } from '~/shared/viewerProtocol';
import { connected } from './connected';
import { type Inbox, inbox } from './inbox';

type Received = {
  [K in keyof Omit<ServerToViewer, 'frame'>]: Parameters<ServerToViewer[K]>[0];
} & { frame: Frame };

export class TestViewer {
  readonly received: Inbox<Received> = inbox<Received>();
  view: RunView | null = null;
  /** All entries received in frames, in order. */
  readonly entries: Entry[] = [];
  #until: { reached: (view: RunView) => boolean; resolve: (view: RunView) => void } | null = null;

  private constructor(readonly socket: Socket<ServerToViewer, ViewerToServer>) {
    socket.on('frame', (bytes, ack) => {
      const frame = unpack(bytes) as Frame;
      if (this.view) {
        const applied = applyFrame(this.view, frame);
        if (applied.kind !== 'applied')
          throw new Error(`frame ${frame.from}..${frame.to} on a view at ${this.view.seq}: ${applied.kind}`);
        this.view = applied.view;
        this.entries.push(...frame.entries);
      }
      this.received.put('frame', frame);
      ack();
      this.#check();
    });
    for (const name of ['watchers', 'runs', 'trainers', 'questions', 'refused', 'dropped'] as const)
      socket.on(name, ((message: never) => this.received.put(name, message)) as never);
  }

  static async connect(
    url: string,
    headers: Record<string, string> = {},
    transports: ('websocket' | 'polling')[] = ['websocket'],
  ): Promise<TestViewer> {
    const at = addressAt(url, paths.viewers);
    const socket: Socket<ServerToViewer, ViewerToServer> = io(at.origin, {
      path: at.pathname,
      parser: viewerParser,
      transports,
      reconnection: false,
      forceNew: true,
      extraHeaders: headers,
    });
    const viewer = new TestViewer(socket);
    await connected(socket);
    return viewer;
  }

  watch(runId: string, cursor: Cursor | null = null): Promise<WatchAnswer> {
    return new Promise((resolve) => {
      this.socket.emit('watch', { runId, cursor }, (answer) => {
        // At once: the next frame may have come in the same packet.
        if (answer.ok && answer.view) this.view = unpack(answer.view) as RunView;
        resolve(answer);
      });
    });
  }

  /** Resolves with the view once `reached` is true; rejects after two minutes with the current view. */
  until(reached: (view: RunView) => boolean): Promise<RunView> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(
            new Error(`the view is at seq ${this.view?.seq}, step ${this.view?.step}, ${this.view?.status}: not as awaited`),
          ),
        120_000,
      );
      this.#until = {
        reached,
        resolve: (view) => {
          clearTimeout(timer);
          resolve(view);
        },
      };
      this.#check();
    });
  }

  command(command: Command): Promise<CommandAnswer> {
    return this.socket.emitWithAck('command', command);
  }

  /** Sends any message, also an invalid one, and returns the answer. */
  raw(name: string, ...args: unknown[]): Promise<unknown> {
    return (this.socket as unknown as Socket).timeout(5000).emitWithAck(name, ...args);
  }

  close(): void {
    this.socket.disconnect();
  }

  #check(): void {
    if (!this.view || !this.#until?.reached(this.view)) return;
    this.#until.resolve(this.view);
    this.#until = null;
  }
}
