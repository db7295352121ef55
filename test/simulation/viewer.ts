/** A person's tab: the page's own run store over a simulated connection, which it loses and gets back. */
import { createRunStore } from '~/app/_live/runStore';
import type { DraftCommand, RunStore } from '~/app/_live/types';
import type { Wire, WireListener } from '~/app/_live/wire';
import type { Actor } from '~/shared/ids';
import { unpack } from '~/shared/pack';
import { seqCount } from '~/shared/rows';
import type { RunView } from '~/shared/view';
import type { Frame, WatchAnswer, WatchRequest } from '~/shared/viewerProtocol';
import type { ClientSocket, Process } from './network';
import type { Reference } from './reference';
import type { World } from './world';

export class SimViewer implements Process {
  alive = true;
  readonly #socket: ClientSocket;
  readonly #wire: Wire;
  #store!: RunStore;
  /** The next frame of the present subscription begins here; null = none is expected. */
  #nextSeq: number | null = null;
  #watches = 0;

  constructor(
    private readonly world: World,
    private readonly reference: Reference,
    readonly runId: string,
    readonly actor: Actor,
    connect: (process: Process) => ClientSocket,
  ) {
    this.#socket = connect(this);
    this.#wire = this.#open();
    this.open();
  }

  get view(): RunView | null {
    return this.#store.get().view;
  }

  get state(): string {
    const { link, error, view } = this.#store.get();
    return `${link} ${error ?? ''} at seq ${view?.seq}`;
  }

  /** Opens the page, or loads it again. */
  open(): void {
    const { world, runId } = this;
    this.#store?.close();
    const store = createRunStore(runId, this.#wire, {
      soon: (f) => f(),
      after: (ms, f) => world.after(ms, () => this.alive && f()),
      newId: () => world.newId('command'),
      random: world.random,
    });
    this.#store = store;
    const seen = () => this.reference.seen(runId, store.get().view!, this.actor.name);
    store.onEntries({ reset: seen, entries: seen } as Parameters<RunStore['onEntries']>[0]);
  }

  /** The connection is closed and opened again, as when a laptop sleeps. */
  comeBack(): void {
    this.#socket.disconnect();
    this.world.after(this.world.between(10, 3000), () => this.#socket.connect());
  }

  /** Steers; sent again until there is an answer. */
  async steer(draft: DraftCommand): Promise<void> {
    const answer = await this.#store.send(draft);
    this.world.note(`${this.actor.name} hears of a command: ${JSON.stringify(answer)}`);
  }

  #open(): Wire {
    const { world } = this;
    const socket = this.#socket;
    const listeners = new Set<WireListener>();
    const notify = (what: (l: WireListener) => void) => {
      for (const l of [...listeners]) what(l);
    };
    socket.on('connect', () => notify((l) => l.up?.()));
    socket.on('disconnect', (reason: string) => {
      this.#nextSeq = null;
      notify((l) => l.down?.(null));
      if (reason === 'io server disconnect') world.after(1000, () => this.alive && socket.connect());
    });
    socket.on('frame', (bytes: Uint8Array, acknowledge: () => void) => {
      const frame = unpack(bytes) as Frame;
      if (frame.runId === this.runId) this.#continues(frame);
      notify((l) => l.frame?.(frame));
      // A busy page answers late.
      world.after(world.chance(0.1) ? world.between(100, 4000) : world.between(0, 20), () => this.alive && acknowledge());
    });
    const asking = socket.timeout(10_000);
    const ask = <T>(name: string, request: unknown) => asking.emitWithAck(name, request) as Promise<T>;
    return {
      up: () => socket.connected,
      watch: async (request: WatchRequest) => {
        this.#nextSeq = null;
        const mine = ++this.#watches;
        const answer = await ask<WatchAnswer>('watch', request);
        if (answer.ok && mine === this.#watches)
          this.#nextSeq = 1 + (answer.view ? (unpack(answer.view) as RunView).seq : (request.cursor?.seq ?? Number.NaN));
        return answer;
      },
      command: async (command) => {
        // A person who clicks twice, or a proxy that repeats: the same command, with the same id.
        if (world.chance(0.2)) ask('command', command).catch(() => {});
        const answer = await ask<Awaited<ReturnType<Wire['command']>>>('command', command);
        this.reference.answered(command, answer);
        return answer;
      },
      watchRuns: () => Promise.reject(new Error('not used')),
      look: () => {},
      tab: () => socket.id ?? null,
      unwatch: (runId) => void (socket.connected && socket.emit('unwatch', { runId })),
      unwatchRuns: () => {},
      watchQuestions: () => () => {},
      listen: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
  }

  /** The frames of one subscription continue the answer to `watch`, without a gap or a repeat. */
  #continues(frame: Frame): void {
    const expected = this.#nextSeq;
    if (expected === null || Number.isNaN(expected)) return;
    const covered = frame.entries.reduce((n, e) => n + seqCount(e.event), 0);
    this.world.check(
      frame.from === expected && (frame.skippedSteps !== null || covered === frame.to - frame.from + 1),
      () => `${this.actor.name} expects seq ${expected} and gets a frame of ${frame.from} to ${frame.to} with ${covered} entries`,
    );
    this.#nextSeq = frame.to + 1;
  }
}
