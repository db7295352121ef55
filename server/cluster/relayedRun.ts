/**
 * The frames of one run on a relay. The leader sends them once, on the connection of one of the viewers, the carrier; all viewers get
 * theirs from here. When the carrier leaves, another viewer's connection goes on from the same position.
 */
import type { Socket } from 'socket.io-client';
import type { Clock } from '~/server/base/clock';
import { Frames, type Viewer, type ViewerPort } from '~/server/runs/frames';
import { applyFrame } from '~/shared/applyFrame';
import { unpack } from '~/shared/pack';
import { refuse } from '~/shared/refusals';
import type { RunView } from '~/shared/view';
import type { Cursor, Frame, ServerToViewer, ViewerToServer, WatchAnswer, WatchRequest } from '~/shared/viewerProtocol';

/** A viewer's own connection to the leader. */
export type Upstream = Socket<ServerToViewer, ViewerToServer>;

export class RelayedRun {
  readonly #members = new Map<Upstream, { port: ViewerPort; viewer: Viewer | null }>();
  #carrier: Upstream | null = null;
  /** null until the first carrier has the run's view. */
  #frames: Frames | null = null;
  /** Members that wait for it. */
  #waiting: (() => void)[] = [];

  constructor(
    private readonly runId: string,
    private readonly clock: Clock,
  ) {}

  get size(): number {
    return this.#members.size;
  }

  /** Frames follow after the returned view, or after the cursor, as from the leader (WatchAnswer). */
  async join(upstream: Upstream, port: ViewerPort, cursor: Cursor | null): Promise<WatchAnswer> {
    const member = { port, viewer: null as Viewer | null };
    this.#members.set(upstream, member);
    const here = () => this.#members.get(upstream) === member;
    for (;;) {
      this.#carrier ??= upstream;
      const answer = await (this.#carrier === upstream ? this.#carry(upstream) : this.#counted(upstream));
      if (!answer.ok && here()) this.leave(upstream);
      if (!answer.ok) return answer;
      while (here() && !this.#frames && this.#carrier) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      if (!here()) return refuse('state', `the watching of ${this.runId} was ended meanwhile`);
      // The carrier was refused: this viewer asks for itself.
      if (!this.#frames) continue;
      const { viewer, view } = this.#frames.join(port, cursor);
      member.viewer = viewer;
      return { ok: true, view, you: answer.you };
    }
  }

  leave(upstream: Upstream): void {
    const member = this.#members.get(upstream);
    this.#members.delete(upstream);
    if (member?.viewer) this.#frames?.leave(member.viewer);
    if (this.#carrier !== upstream) return;
    this.#carrier = null;
    const next = [...this.#members].find(([, { viewer }]) => viewer !== null)?.[0];
    if (next) {
      this.#carrier = next;
      void this.#carry(next).then((answer) => {
        if (!answer.ok) this.#members.get(next)?.port.drop(answer.message);
      });
    } else this.#close();
    this.#wake();
  }

  /** Takes a frame from the leader; those of a connection that no longer carries are left out. */
  take(upstream: Upstream, frame: Frame): void {
    if (this.#carrier !== upstream || !this.#frames) return;
    const applied = applyFrame(this.#frames.view, frame);
    if (applied.kind === 'gap') void this.#carry(upstream);
    if (applied.kind !== 'applied') return;
    this.#frames.publish(applied.entries, applied.view, frame.skippedSteps);
  }

  /** Has the leader send frames on this connection, from where the run is here. */
  #carry(upstream: Upstream): Promise<WatchAnswer> {
    const view = this.#frames?.view;
    const cursor = view ? { attempt: view.attempt, seq: view.seq } : null;
    return this.#ask(upstream, { runId: this.runId, cursor }, (answer) => {
      if (answer.ok && answer.view && this.#carrier === upstream) this.#begin(unpack(answer.view) as RunView);
      this.#wake();
    });
  }

  /** The leader counts this viewer and sends it everything except frames. */
  #counted(upstream: Upstream): Promise<WatchAnswer> {
    return this.#ask(upstream, { runId: this.runId, cursor: null, frames: false });
  }

  /** `first` is called at once: the next frame may have come in the same packet. No answer comes on a connection that has ended. */
  #ask(upstream: Upstream, request: WatchRequest, first: (answer: WatchAnswer) => void = () => {}): Promise<WatchAnswer> {
    return new Promise((resolve) =>
      upstream.emit('watch', request, (answer) => {
        first(answer);
        resolve(answer);
      }),
    );
  }

  /** The run as it is now. What viewers had before does not lead to it: they come again. */
  #begin(view: RunView): void {
    this.#close();
    for (const { port, viewer } of [...this.#members.values()]) if (viewer) port.drop('the run was read again');
    this.#frames = new Frames(this.runId, view, this.clock);
  }

  #close(): void {
    this.#frames?.close();
    this.#frames = null;
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
