/** One simulated life of a server with its disk, trainers and people, drawn from a seed. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DraftCommand } from '~/app/_live/types';
import type { Store } from '~/server/store';
import { verifyFolder } from '~/server/store/verify';
import type { Actor } from '~/shared/ids';
import { ended, isOpened } from '~/shared/view';
import { openMemoryStore } from '~/test/support/memoryStore';
import { Disk, type PlantedDisk } from './disk';
import { ClientSocket, type Connection, type NetworkSettings, type Process, type ServerSocket } from './network';
import { endedProcess, Reference } from './reference';
import { type ScriptFile, SimScript } from './script';
import { type PlantedServer, SimServer } from './server';
import { openSqliteHere } from './sqliteStore';
import { type PlantedTrainer, recipe, SimTrainer } from './trainer';
import { SimViewer } from './viewer';
import { World } from './world';

export type Planted = NonNullable<PlantedDisk | PlantedServer | PlantedTrainer>;

export interface Life {
  events: number;
  simulatedMs: number;
  counts: Reference['counts'];
  history: readonly string[];
}

/** The trainers' spools are real files; in memory where the system has such a folder, because nothing here outlives the process. */
const spools = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const graceMs = 2_000;
/** After the faults, everything must be whole again within this time. */
const healWithinMs = 600_000;

/** Every eighth life is on the product's SQL, the others on the store in memory, which is quicker. */
const onSqlite = (seed: number): boolean => seed % 8 === 0;

/**
 * Which kinds of events a life has: a seed that found a fault keeps the kinds that it was found with. 1: commands, takeovers, kills,
 * broken connections. 2: also reverts, branches, questions, scripts with runs of their own, deletion, and rows of several steps.
 */
export type Era = 1 | 2;

/** @throws Violation naming the seed, the rule and what happened last */
export async function simulate(
  seed: number,
  { planted = null, era = 2 }: { planted?: Planted | null; era?: Era } = {},
): Promise<Life> {
  const folder = mkdtempSync(join(spools, 'headroom-simulation-'));
  const data = join(folder, 'data');
  const store = onSqlite(seed) ? openSqliteHere(data) : openMemoryStore();
  const world = new World(seed);
  const simulation = new Simulation(world, folder, planted, store, era === 2);
  try {
    const life = await simulation.live();
    if (onSqlite(seed)) world.same((await verifyFolder(data)).damaged, [], () => 'what verify finds damaged');
    if (world.violation) throw world.violation;
    return life;
  } finally {
    simulation.end();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Simulation {
  readonly #reference: Reference;
  readonly #disk: Disk;
  readonly #settings: NetworkSettings;
  readonly #blobs = new Map<string, Uint8Array>();
  readonly #connections = new Set<Connection>();
  readonly #faultsUntil: number;
  #server: SimServer | null = null;
  #trainers: SimTrainer[] = [];
  #viewers: SimViewer[] = [];
  readonly #gone = new Set<string>();
  readonly #diskSettings: { delayMs: number; failures: number };
  readonly #stepMs: number;
  readonly #checkpointEvery: number;
  readonly #stride: number;
  #scripts: SimScript[] = [];
  readonly #files: ScriptFile[] = [];
  /** Runs that people have not created yet, because there was no server. */
  #uncreated = 0;

  constructor(
    private readonly world: World,
    private readonly folder: string,
    private readonly planted: Planted | null,
    private readonly store: Store,
    private readonly all: boolean,
  ) {
    this.#reference = new Reference(world);
    this.#settings = {
      delayMs: world.pick([5, 30, 120]),
      stalls: world.pick([0, 0.005, 0.03]),
      noticeMs: world.pick([100, 5000]),
    };
    this.#diskSettings = { delayMs: world.pick([1, 10, 60]), failures: world.pick([0, 0, 0.02, 0.1]) };
    this.#disk = new Disk(
      world,
      this.#diskSettings,
      store,
      (write) => this.#reference.committed(write),
      (runId) => this.#reference.deleted(runId),
      planted as PlantedDisk,
    );
    this.#stepMs = world.pick([20, 60, 150]);
    this.#checkpointEvery = world.pick([5, 9, 17]);
    this.#faultsUntil = all ? world.between(3_000, 9_000) : world.between(4_000, 15_000);
    this.#stride = all ? world.pick([1, 2, 3]) : 1;
  }

  async live(): Promise<Life> {
    const { world } = this;
    this.#startServer();
    const trainers = 1 + world.below(3);
    for (let i = 0; i < trainers; i++) world.after(world.between(0, 500), () => this.#startTrainer());
    const runs = 1 + world.below(3);
    this.#uncreated = runs;
    for (let i = 0; i < runs; i++) world.after(world.between(0, 2000), () => this.#createRun());
    if (this.all)
      for (let i = world.below(3); i > 0; i--) {
        const file = { key: `script ${i} of seed ${world.seed}`, steps: 10 + world.below(40), step: 0, value: 0, done: false };
        this.#files.push(file);
        world.after(world.between(0, 3000), () => this.#startScript(file));
      }
    this.#later(() => this.#fault(), 100, world.pick(this.all ? [300, 1000, 3000] : [400, 1500, 6000]));
    this.#later(() => this.#person(), 50, world.pick(this.all ? [200, 500] : [200, 800]));
    await world.run(this.#faultsUntil);
    this.#heal();
    const until = world.now + healWithinMs;
    await world.run(until, () => this.#whole());
    if (!this.#whole()) world.violate(`not whole ${healWithinMs / 1000} s after the last fault: ${this.#notWhole()}`);
    // Whatever still moves must change nothing.
    await world.run(world.now + 20_000);
    if (!this.#whole()) world.violate(`whole, and then not any more: ${this.#notWhole()}`);
    for (const [runId, { removed }] of this.#reference.runs) if (!removed) this.#reference.settled(runId);
    await this.#rowsAreWhole();
    if (world.violation) throw world.violation;
    return { events: world.events, simulatedMs: world.now, counts: this.#reference.counts, history: world.history };
  }

  end(): void {
    if (this.#server) this.#server.alive = false;
    for (const process of [...this.#trainers, ...this.#viewers, ...this.#scripts]) process.alive = false;
  }

  // ---- processes ----

  readonly #connect = (accept: (server: SimServer, socket: ServerSocket) => void) => (process: Process) =>
    new ClientSocket(
      this.world,
      this.#settings,
      process,
      () => {
        const server = this.#server;
        return server?.hub ? { process: server, accept: (socket) => accept(server, socket) } : null;
      },
      this.#connections,
    );

  #startServer(): void {
    this.world.note('the server starts');
    this.#server = new SimServer(
      this.world,
      this.#reference,
      this.#disk,
      this.#blobs,
      this.planted as PlantedServer,
      graceMs,
      new Set(this.#gone),
      () => this.world.after(500, () => this.#startServer()),
    );
  }

  #killServer(): void {
    const server = this.#server;
    if (!server?.alive) return;
    this.world.note('the server is killed');
    server.alive = false;
    this.#server = null;
    for (const connection of this.#connections) connection.cut({ client: this.world.between(0, 50) });
    this.world.after(this.world.between(200, 5000), () => this.#startServer());
  }

  #startTrainer(): void {
    const settings = {
      planted: this.planted as PlantedTrainer,
      stepMs: this.#stepMs,
      stride: this.#stride,
      checkpointEvery: this.#checkpointEvery,
    };
    const connect = this.#connect((server, socket) => server.acceptTrainer(socket));
    const trainer = new SimTrainer(this.world, this.#reference, this.folder, settings, this.#blobs, connect, () =>
      this.#server?.hub ? this.#server : null,
    );
    this.world.note(`${trainer.id} starts`);
    this.#trainers.push(trainer);
  }

  #killTrainer(): void {
    const { world } = this;
    if (this.#trainers.length === 0) return;
    const trainer = world.pick(this.#trainers);
    world.note(`${trainer.id} is killed`);
    trainer.alive = false;
    this.#trainers = this.#trainers.filter((t) => t !== trainer);
    trainer.leave();
    // The server beside it sees its process end; of one on another machine it only loses the connection.
    if (world.chance(0.5))
      world.after(world.between(0, 100), () => {
        this.#gone.add(trainer.id);
        this.#server?.hub?.registry.died('simulated', trainer.pid, endedProcess);
      });
    world.after(world.between(100, 4000), () => this.#startTrainer());
  }

  #startScript(file: ScriptFile): void {
    if (file.done) return;
    const connect = this.#connect((server, socket) => server.acceptTrainer(socket));
    const script = new SimScript(this.world, this.#reference, file, this.#stepMs, connect, (runId) => {
      if (!this.#viewers.some((v) => v.runId === runId)) this.#open(runId);
    });
    this.world.note(`${script.id} starts for ${file.key}`);
    this.#scripts.push(script);
  }

  /** One is killed and started again later; or a second process of the same program starts beside the first. */
  #disturbScript(): void {
    const { world } = this;
    this.#scripts = this.#scripts.filter((s) => s.alive);
    if (this.#scripts.length === 0) return;
    const script = world.pick(this.#scripts);
    const { file } = script;
    if (world.chance(0.2)) this.#startScript(file);
    else {
      world.note(`${script.id} is killed`);
      script.leave();
      world.after(world.pick([300, 4000, 20_000]) * world.between(0.5, 1.5), () => this.#startScript(file));
    }
  }

  #createRun(): void {
    const { world } = this;
    const hub = this.#server?.hub;
    if (!hub) return void world.after(500, () => this.#createRun());
    this.#uncreated--;
    const setup = {
      name: 'Count',
      project: 'default',
      tags: [],
      recipe: { name: recipe.name, trainer: null },
      config: { steps: this.all ? 12 + world.below(36) : 20 + world.below(60) },
    };
    const at = this.#server;
    hub.create(people[0]!, setup).then(
      ({ runId }) => {
        world.note(`run ${runId} of ${setup.config.steps} steps`);
        const watchers = 1 + world.below(2);
        for (let i = 0; i < watchers; i++) this.#open(runId);
      },
      () => {
        if (this.#server !== at) return;
        this.#uncreated++;
        this.#createRun();
      },
    );
  }

  #open(runId: string): void {
    const actor = people[this.#viewers.length % people.length]!;
    const connect = this.#connect((server, socket) => server.acceptViewer(socket, actor));
    this.#viewers.push(new SimViewer(this.world, this.#reference, runId, actor, connect));
  }

  // ---- what happens ----

  #later(what: () => void, low: number, high: number): void {
    this.world.after(this.world.between(low, high), () => {
      if (this.world.now >= this.#faultsUntil) return;
      what();
      this.#later(what, low, high);
    });
  }

  #fault(): void {
    if (this.all && this.world.chance(0.15)) this.#disturbScript();
    else this.#disturb();
  }

  #disturb(): void {
    const { world } = this;
    const kind = world.below(100);
    const connections = [...this.#connections].filter((c) => !c.broken);
    if (kind < 45 && connections.length > 0) {
      world.note('a connection breaks');
      world.pick(connections).cut();
    } else if (kind < 60) this.#killServer();
    else if (kind < 80) this.#killTrainer();
    else if (kind < 85) {
      const ms = world.pick([-3_600_000, -1000, 1000, 3_600_000]);
      world.note(`the wall clock is set by ${ms} ms`);
      world.wallOffset += ms;
    } else if (this.#viewers.length > 0) {
      const viewer = world.pick(this.#viewers);
      if (world.chance(0.3)) viewer.open();
      else viewer.comeBack();
    }
  }

  #person(): void {
    const { world } = this;
    if (this.#viewers.length === 0) return;
    const viewer = world.pick(this.#viewers);
    if (this.all && world.chance(0.25)) this.#goBackOrAsk(viewer);
    else this.#steer(viewer);
  }

  #steer(viewer: SimViewer): void {
    const { world } = this;
    const step = viewer.view?.step ?? 0;
    const kind = world.below(100);
    const when = world.chance(0.3) ? { when: { kind: 'step', step: step + world.below(30) } as const } : {};
    const value = world.below(1000);
    const act = (action: string): DraftCommand => ({ kind: 'act', action, args: {} });
    if (kind < 60) void viewer.steer({ kind: 'set', control: 'value', value, ...when });
    else if (kind < 70) void viewer.steer(act('pause'));
    else if (kind < 82) void viewer.steer(act('resume'));
    else if (kind < 92) void viewer.steer(act('checkpoint'));
    else if (kind < 94) void viewer.steer(act('stop'));
    else this.#makeRoom(viewer);
  }

  #makeRoom({ actor, runId }: SimViewer): void {
    const hub = this.#server?.hub;
    const attempt = this.#reference.runs.get(runId)!.view.attempt;
    hub?.makeRoom(actor, runId).then(
      (answer) => answer.ok && this.#reference.sentBack(runId, attempt),
      () => {},
    );
  }

  /** A person goes back to a checkpoint, branches from it, asks about it, or puts the run in the trash and deletes it. */
  #goBackOrAsk(viewer: SimViewer): void {
    const { world } = this;
    const { view, actor, runId } = viewer;
    const kind = world.below(100);
    const checkpoints = view?.recent.checkpoints.items ?? [];
    const checkpoint = checkpoints.length > 0 ? world.pick(checkpoints).blob.hash : null;
    const hub = this.#server?.hub;
    if (kind < 30 && checkpoint) void viewer.steer({ kind: 'act', action: 'revert', args: { checkpoint } });
    else if (kind < 50) this.#branch(actor, runId, checkpoint);
    else if (kind < 80) {
      const named = checkpoint && world.chance(0.7) ? { checkpoint } : {};
      void viewer.steer({ kind: 'act', action: 'check', args: {}, ...named });
    } else if (hub) {
      const label = { type: 'run.labelled', actor, trashed: world.chance(0.7) } as const;
      hub
        .decide(runId, (now) => (ended(now.status) ? [label] : []))
        .then(
          () => {
            // In the trash, or not: only then it is deleted.
            if (world.chance(0.5)) hub.remove(runId).catch(() => {});
          },
          () => {},
        );
    }
  }

  #branch(actor: Actor, runId: string, checkpoint: string | null): void {
    const { world } = this;
    const seq = this.#reference.runs.get(runId)!.view.seq;
    this.#server?.hub?.branch(actor, { runId, checkpoint, name: 'Branch', changes: [], repeat: { without: null } }).then(
      (answer) => {
        if (!answer.ok || answer.runId === null) return;
        world.note(`${answer.runId} branches from ${runId}`);
        this.#reference.branched(answer.runId, seq);
        this.#open(answer.runId);
      },
      () => {},
    );
  }

  // ---- the end ----

  #heal(): void {
    const { world } = this;
    world.note('no more faults');
    Object.assign(this.#diskSettings, { failures: 0 });
    Object.assign(this.#settings, { stalls: 0 });
    if (this.#trainers.length === 0) this.#startTrainer();
    this.#goOn();
  }

  /** Somebody resumes what is paused. */
  #goOn(): void {
    const { world } = this;
    for (const [runId, { view, removed }] of this.#reference.runs) {
      if (view.status !== 'paused' || removed) continue;
      const id = world.newId('command');
      this.#server?.hub?.command(people[0]!, { kind: 'act', id, runId, action: 'resume', args: {} }).catch(() => {});
    }
    world.after(5000, () => this.#goOn());
  }

  #whole(): boolean {
    return this.#notWhole() === '';
  }

  #notWhole(): string {
    if (this.#uncreated > 0) return `${this.#uncreated} runs are not created`;
    for (const [runId, { view, removed }] of this.#reference.runs) {
      if (removed) continue;
      if (!ended(view.status)) return `run ${runId} is ${view.status} at step ${view.step}: ${view.statusMessage}`;
      if (view.openCommands.length > 0 && view.status !== 'crashed')
        return `run ${runId} is ${view.status} and has commands without an outcome`;
    }
    for (const file of this.#files) if (!file.done) return `the program with ${file.key} is at step ${file.step}`;
    for (const viewer of this.#viewers) {
      const { view, removed } = this.#reference.runs.get(viewer.runId)!;
      if (!removed && viewer.view?.seq !== view.seq)
        return `${viewer.actor.name} is ${viewer.state}, the log of ${viewer.runId} ends at ${view.seq}`;
    }
    return '';
  }

  /** The rows in force: those of the log; of a run with a recipe every step once, with the value that the commands in force give it. */
  async #rowsAreWhole(): Promise<void> {
    for (const [runId, { view, removed, rows: known }] of this.#reference.runs) {
      if (removed) continue;
      const rows = await this.store.rows({ runId, stream: 'steps', fromStep: 0, toStep: null, limit: 1000 });
      const kept = [...rows.steps].map((step, i) => [step, rows.values[i]]);
      this.world.same(
        kept,
        [...known].sort((a, b) => a[0] - b[0]),
        () => `run ${runId}: the rows in force`,
      );
      if (isOpened(view)) continue;
      const commands = await this.store.list({ runId, kind: 'commands', after: 0, limit: 1000 });
      const changes = commands
        .flatMap(({ command, outcome, undone }) =>
          outcome.status === 'applied' && command.kind === 'set' && !undone
            ? [{ ...outcome, value: command.value as number }]
            : [],
        )
        .sort((a, b) => a.step - b.step || a.seq - b.seq);
      const { step: first, value } = this.#reference.saved.get(view.parent?.checkpoint?.hash ?? '') ?? { step: 0, value: 0 };
      const steps = Array.from({ length: Math.max(0, view.step - first) }, (_, i) => first + i);
      const expected = steps.map((step) => changes.findLast((c) => c.step <= step)?.value ?? value);
      this.world.same([...rows.steps], steps, () => `run ${runId}: the steps in force`);
      this.world.same([...rows.values], expected, () => `run ${runId}: the values at the steps in force`);
    }
  }
}

const people: Actor[] = [
  { id: 'u1', name: 'Ada', role: 'operator' },
  { id: 'u2', name: 'Bob', role: 'operator' },
  { id: 'u3', name: 'Eve', role: 'viewer' },
];
