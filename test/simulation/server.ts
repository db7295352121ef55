/** A server process: the real hub, queue, rooms, frames and edges of both links, on the simulated clock, network and disk. */
import type { Log } from '~/server/base/log';
import type { FrameSettings } from '~/server/runs/frames';
import type { OpenHub } from '~/server/runs/hub';
import { openHub } from '~/server/runs/openHub';
import { Presence } from '~/server/runs/presence';
import { serveTrainer } from '~/server/sockets/trainers';
import { serveViewer } from '~/server/sockets/viewers';
import type { Actor } from '~/shared/ids';
import { unpack } from '~/shared/pack';
import type { BatchAnswer, EventBatch, Registration } from '~/shared/protocol';
import type { Disk } from './disk';
import type { Process, ServerSocket } from './network';
import { crashedMs, type Reference } from './reference';
import type { World } from './world';

/** Small, so that viewers fall behind and out of reach. */
const frames: FrameSettings = {
  everyMs: 66,
  urgentMs: 15,
  window: 2,
  stuckMs: 3000,
  maxQueuedValues: 24,
  reach: { entries: 30, values: 60 },
};

const owner: Actor = { id: 'trainers', name: 'trainers', role: 'trainer' };
const quiet = { info() {}, warn() {}, error() {}, debug() {} } as unknown as Log;

/** A bug of the server that a test plants. */
export type PlantedServer =
  | 'resumes a viewer one entry late'
  | 'a branch does not repeat its parent'
  | 'takes a silent script for crashed too early'
  | 'leaves a run that goes back to the queue with its trainer'
  | 'measures time by the wall clock'
  | null;

export class SimServer implements Process {
  alive = true;
  /** null while it starts. */
  hub: OpenHub | null = null;
  #presence: Presence | null = null;

  constructor(
    private readonly world: World,
    private readonly reference: Reference,
    disk: Disk,
    private readonly blobs: Map<string, Uint8Array>,
    planted: PlantedServer,
    graceMs: number,
    goneTrainers: ReadonlySet<string>,
    onDown: () => void,
  ) {
    reference.starts();
    const own = world.clockOf(this);
    const clock = planted === 'measures time by the wall clock' ? { ...own, elapsed: own.now } : own;
    this.#presence = new Presence(clock);
    openHub({
      store: disk.storeFor(this),
      clock,
      // Asking whether a file is there takes time as well.
      hasBlob: (hash) => this.#soon(() => blobs.has(hash)),
      onError: this.onError,
      graceMs,
      crashedMs: planted === 'takes a silent script for crashed too early' ? 3000 : crashedMs,
      goneTrainers,
      frames,
      newId: () => world.newId('made'),
    }).then(
      (hub) => {
        if (!this.alive) return;
        this.hub = withBug(hub, planted);
        reference.listens(hub.summaries().map((run) => run.runId));
        world.note('the server listens');
      },
      (error) => {
        this.onError(error);
        if (!this.alive) return;
        world.note('the server could not start');
        this.alive = false;
        onDown();
      },
    );
  }

  /** Only the failures that the disk injects may come here. */
  readonly onError = (error: unknown): void => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (!this.alive || text.includes('injected: ')) return;
    // Somebody deleted the run while something else was about to be written to it.
    if (this.reference.removed(/run (made\d+)/.exec(text)?.[1] ?? '')) return;
    this.world.violate(`the server reports ${text}`);
  };

  acceptTrainer(socket: ServerSocket): void {
    const { hub } = this;
    if (!hub) return;
    socket.data = { actor: owner, spoolBytes: 0 };
    this.#watchAnswers(socket);
    serveTrainer(socket as never, { registry: hub.registry, questions: hub.questions }, quiet, this.onError);
  }

  acceptViewer(socket: ServerSocket, actor: Actor): void {
    socket.data = { actor, watching: 0, framesUnanswered: 0 };
    serveViewer(socket as never, this.hub!, this.#presence!, this.world.clockOf(this), quiet, this.onError);
  }

  /** Events that the server acknowledges are committed. */
  #watchAnswers(socket: ServerSocket): void {
    const deliver = socket.deliver.bind(socket);
    let process = '';
    socket.deliver = (name, args, answer) => {
      if (name === 'register') process = (args[0] as Registration).trainerId;
      if (name === 'events') this.reference.heard(process);
      if (name !== 'events' || !answer) return deliver(name, args, answer);
      const batch = unpack(args[0] as Uint8Array) as EventBatch;
      deliver(name, args, (value) => {
        const given = value as BatchAnswer;
        if (given.ok) this.reference.acknowledged(batch, given.nextEvent);
        answer(value);
      });
    };
  }

  /** A blob that arrives over HTTP. */
  putBlob(hash: string, bytes: Uint8Array): Promise<void> {
    return this.#soon(() => void this.blobs.set(hash, bytes));
  }

  #soon<T>(work: () => T): Promise<T> {
    return new Promise((resolve) => this.world.after(this.world.between(0, 3), () => this.alive && resolve(work())));
  }
}

function withBug(hub: OpenHub, planted: PlantedServer): OpenHub {
  if (planted === 'resumes a viewer one entry late')
    return {
      ...hub,
      watch: (runId, port, from) =>
        hub.watch(runId, port, from === null || from === 'relayed' ? from : { ...from, seq: from.seq + 1 }),
    };
  if (planted === 'a branch does not repeat its parent')
    return { ...hub, branch: (actor, request) => hub.branch(actor, { ...request, repeat: null }) };
  if (planted === 'leaves a run that goes back to the queue with its trainer') {
    const release = hub.registry.release.bind(hub.registry);
    hub.registry.release = async (runId, attempt, message) => {
      if (!message.includes('back to the queue')) await release(runId, attempt, message);
    };
  }
  return hub;
}
