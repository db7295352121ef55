/**
 * A trainer process: the real uplink, outbox and spool, and a loop that only counts. Each row holds the value of the one control at its
 * step, so the rows show which commands had taken effect.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { LoggedCommand } from '~/shared/commands';
import { type Controls, controlDefaults } from '~/shared/controls';
import type { TrainerEvent } from '~/shared/events';
import { type Assignment, type Question, VERSION } from '~/shared/protocol';
import type { RecipeSpec } from '~/shared/recipes';
import { BlobError } from '~/trainer/link/blobs';
import { type FromLink, keyOf } from '~/trainer/link/messages';
import { Uplink } from '~/trainer/link/uplink';
import type { ClientSocket, Process } from './network';
import type { Reference } from './reference';
import type { SimServer } from './server';
import type { World } from './world';

export const recipe: RecipeSpec = {
  name: 'count',
  title: 'Count',
  summary: 'Counts.',
  schema: { type: 'object', properties: { steps: { type: 'integer', title: 'Steps' } } },
  presets: [{ name: 'count', title: 'Count', config: { steps: 40 } }],
};

const action = (name: 'pause' | 'resume' | 'stop' | 'checkpoint') => ({
  name,
  role: name,
  label: name,
  help: '',
  args: [],
  risky: false,
});
export const controls: Controls = {
  values: [{ ...controlDefaults, name: 'value', label: 'Value', type: 'integer', min: 0, default: 0, group: 'Counting' }],
  actions: [
    action('pause'),
    action('resume'),
    action('stop'),
    action('checkpoint'),
    { name: 'check', label: 'Check', help: '', args: [], risky: false, question: true },
  ],
};

/** What a checkpoint holds. */
interface Saved {
  runId?: string;
  step: number;
  value: number;
  paused: boolean;
  lastCommandSeq: number;
  held: LoggedCommand[];
}

interface Loop extends Saved {
  assignment: Assignment;
  steps: number;
  replay: NonNullable<Assignment['resume']>['replay'];
  waiting: LoggedCommand[];
  /** Seqs of commands that this process has answered or holds. */
  known: Set<number>;
}

/** A bug of the training loop that a test plants. */
export type PlantedTrainer =
  | 'applies commands again after a takeover'
  | 'keeps its value when its run goes back'
  | 'answers a question about another checkpoint'
  | null;

export interface TrainerSettings {
  planted: PlantedTrainer;
  stepMs: number;
  /** Steps between two boundaries. */
  stride: number;
  checkpointEvery: number;
}

export class SimTrainer implements Process {
  alive = true;
  readonly id: string;
  readonly pid: number;
  readonly #uplink: Uplink;
  #loop: Loop | null = null;
  #socket: ClientSocket | null = null;

  constructor(
    private readonly world: World,
    private readonly reference: Reference,
    folder: string,
    private readonly settings: TrainerSettings,
    private readonly blobs: ReadonlyMap<string, Uint8Array>,
    connect: (process: Process) => ClientSocket,
    server: () => SimServer | null,
  ) {
    this.id = world.newId('trainer');
    this.pid = 1000 + Number(this.id.slice(-8));
    const registration = {
      version: VERSION,
      trainerId: this.id,
      name: this.id,
      host: 'simulated',
      pid: this.pid,
      recipes: [recipe],
      memoryBytes: 1,
      answers: true,
    };
    const start = {
      server: 'simulated',
      token: 'token',
      spoolFolder: join(folder, this.id),
      spoolBytes: 2 ** 30,
      registration,
      gauge: new SharedArrayBuffer(8),
    };
    const clock = world.clockOf(this);
    this.#uplink = new Uplink(
      start,
      (message) => this.#passed(() => this.#hear(message)),
      (line) => world.note(`${this.id}: ${line}`),
      {
        connect: () => {
          this.#socket = connect(this);
          return this.#socket as never;
        },
        putBlob: (_at, hash, bytes) => this.#upload(hash, bytes, server),
        elapsed: clock.elapsed,
        after: clock.after,
        random: world.random,
      },
    );
  }

  get #repeats(): boolean {
    return this.settings.planted === 'applies commands again after a takeover';
  }

  /** The process is dead: its connections break. */
  leave(): void {
    this.#socket?.gone();
  }

  #lastPassed = 0;
  /** Messages between the loop's thread and the link's keep their order. */
  #passed(arrive: () => void): void {
    this.#lastPassed = Math.max(this.#lastPassed, this.world.now + this.world.between(0, 3));
    this.world.at(this.#lastPassed, () => this.alive && arrive());
  }

  #upload(hash: string, bytes: Uint8Array, server: () => SimServer | null): Promise<void> {
    const { world } = this;
    return new Promise((resolve, reject) => {
      world.after(world.between(0.1, 30), () => {
        const at = server();
        if (!this.alive) return;
        if (!at || world.chance(0.05)) return reject(new BlobError('simulated: unreachable', true));
        at.putBlob(hash, bytes).then(() => world.after(world.between(0.1, 30), () => this.alive && resolve()));
        // Without an answer, the request times out.
        world.after(5000, () => this.alive && reject(new BlobError('simulated: timed out', true)));
      });
    });
  }

  #hear(message: FromLink): void {
    switch (message.type) {
      case 'assign':
        this.#begin(message.assignment);
        return;
      case 'command':
        this.#loop?.waiting.push(message.logged);
        return;
      case 'release':
        this.world.note(`${this.id} drops its run: ${message.message}`);
        this.#loop = null;
        return;
      case 'refused':
        this.world.violate(`${this.id} is refused: ${message.message}`);
        return;
      case 'ask':
        this.#asked = message.question;
        this.world.after(this.world.between(1, 400), () => this.alive && this.#answer(message.question));
        return;
      case 'forget':
        if (message.ticket === null || message.ticket === this.#asked?.ticket) this.#asked = null;
    }
  }

  #asked: Question | null = null;
  /** The value and the step that the checkpoint holds. */
  #answer({ ticket, blob }: Question): void {
    if (this.#asked?.ticket !== ticket) return;
    this.#asked = null;
    const other = this.settings.planted === 'answers a question about another checkpoint';
    const { value, step } = savedIn(other ? [...this.blobs.values()].at(-1)! : this.blobs.get(blob.hash)!);
    const result = { ok: true as const, backend: 'cpu', summary: { value, step }, message: '' };
    this.#passed(() => this.#uplink.handle({ type: 'answer', answer: { ticket, result } }));
  }

  #begin(assignment: Assignment): void {
    const { runId, attempt, setup, resume, commands } = assignment;
    const bytes = resume && this.blobs.get(resume.blob.hash);
    this.world.check(!resume || bytes !== undefined, () => `run ${runId} resumes from a checkpoint that is not stored`);
    const fresh: Saved = { step: 0, value: 0, paused: false, lastCommandSeq: 0, held: [] };
    const saved = bytes ? savedIn(bytes) : fresh;
    // A branch has its own log: of its parent it keeps step and value.
    const inherits = saved.runId !== undefined && saved.runId !== runId;
    if (inherits) Object.assign(saved, { ...fresh, step: saved.step, value: saved.value });
    if (bytes && this.settings.planted === 'keeps its value when its run goes back') saved.value = this.#lastValue ?? saved.value;
    const { steps } = setup.config as { steps: number };
    const replay = (resume?.replay ?? []).toSorted((a, b) => a.step - b.step);
    const known = new Set<number>(saved.held.map((h) => h.seq));
    const loop: Loop = { ...saved, assignment, steps, replay, waiting: [...commands], known };
    this.world.note(`${this.id} takes ${runId}, attempt ${attempt}, from step ${saved.step}`);
    if (this.#repeats) loop.waiting.push(...replay.map((r) => r.logged));
    this.#loop = loop;
    this.#say(loop, {
      type: 'started',
      step: loop.step,
      device: { backend: 'cpu', device: 'simulated' },
      streams: [{ stream: 'steps', columns: [{ name: 'value' }] }],
      controls,
      values: { value: loop.value },
      lengths: { totalSteps: steps },
    });
    const status = loop.paused ? 'paused' : 'running';
    this.#say(loop, { type: 'status', status, step: loop.step, message: this.id });
    if (!resume) this.#save(loop, null);
    this.#next(loop);
  }

  #lastValue: number | null = null;

  #next(loop: Loop): void {
    this.world.after(this.settings.stepMs * this.world.between(0.5, 1.5), () => {
      if (this.alive && this.#loop === loop) this.#step(loop);
    });
  }

  /** A step boundary, and a step unless the run is paused. */
  #step(loop: Loop): void {
    while (loop.replay[0] && loop.replay[0].step <= loop.step) {
      const { logged } = loop.replay.shift()!;
      loop.held = loop.held.filter((h) => h.seq !== logged.seq);
      loop.known.add(logged.seq);
      if (this.#apply(loop, logged)) return;
    }
    if (loop.replay.length === 0) {
      for (const logged of loop.waiting.splice(0)) if (this.#take(loop, logged)) return;
      for (const held of loop.held.filter((h) => isDue(h, loop.step))) {
        loop.held = loop.held.filter((h) => h !== held);
        if (this.#apply(loop, held)) return;
      }
    }
    if (loop.step < loop.steps && (!loop.paused || loop.replay.length > 0)) {
      const { stride, checkpointEvery } = this.settings;
      const count = Math.min(stride, loop.steps - loop.step);
      const values = new Float64Array(count).fill(loop.value);
      this.#say(loop, { type: 'rows', stream: 'steps', steps: { first: loop.step, count }, values });
      loop.step += count;
      this.#lastValue = loop.value;
      if (loop.step % checkpointEvery < count) this.#save(loop, null);
    }
    if (loop.step >= loop.steps) this.#end(loop, 'finished');
    else this.#next(loop);
  }

  /** A new command. @returns true when it ends the run */
  #take(loop: Loop, logged: LoggedCommand): boolean {
    if (!this.#repeats && (logged.seq <= loop.lastCommandSeq || loop.known.has(logged.seq))) return false;
    loop.known.add(logged.seq);
    loop.lastCommandSeq = logged.seq;
    if (isDue(logged, loop.step)) return this.#apply(loop, logged);
    loop.held.push(logged);
    const { seq, command } = logged;
    this.#say(loop, { type: 'command.scheduled', commandId: command.id, seq, step: loop.step, message: this.id });
    return false;
  }

  #apply(loop: Loop, { seq, command }: LoggedCommand): boolean {
    const { step } = loop;
    loop.lastCommandSeq = Math.max(loop.lastCommandSeq, seq);
    const before = loop.value;
    if (command.kind === 'set') loop.value = command.value as number;
    const [from, to] = command.kind === 'set' ? [before, loop.value] : [null, null];
    this.#say(loop, { type: 'command.applied', commandId: command.id, seq, step, before: from, after: to, message: this.id });
    if (command.kind !== 'act') return false;
    if (command.action === 'checkpoint') this.#save(loop, command.id);
    if (command.action === 'stop') {
      this.#end(loop, 'stopped');
      return true;
    }
    if (command.action === 'pause' || command.action === 'resume') {
      loop.paused = command.action === 'pause';
      this.#say(loop, { type: 'status', status: loop.paused ? 'paused' : 'running', step, message: this.id });
    }
    return false;
  }

  #save(loop: Loop, commandId: string | null): void {
    const { step, value, paused, lastCommandSeq, held } = loop;
    const saved = { runId: loop.assignment.runId, step, value, paused, lastCommandSeq, held, by: `${this.id} ${this.world.now}` };
    const bytes = new TextEncoder().encode(JSON.stringify(saved));
    const hash = createHash('sha256').update(bytes).digest('hex');
    const blob = { hash, bytes: bytes.length };
    this.reference.saved.set(hash, { value, step });
    const trigger = commandId ? 'command' : 'cadence';
    this.#say(loop, { type: 'checkpoint', step, blob, trigger, commandId, lastCommandSeq }, [{ hash, bytes }]);
  }

  #end(loop: Loop, status: 'finished' | 'stopped'): void {
    for (const { seq, command } of loop.held.splice(0))
      this.#say(loop, {
        type: 'command.refused',
        commandId: command.id,
        seq,
        step: loop.step,
        reason: 'run-ended',
        message: this.id,
      });
    this.#say(loop, { type: 'status', status, step: loop.step, message: this.id });
    this.#loop = null;
    this.#passed(() => this.#uplink.handle({ type: 'ended', run: keyOf(loop.assignment) }));
  }

  #say(loop: Loop, event: TrainerEvent, blobs: { hash: string; bytes: Uint8Array }[] = []): void {
    const { assignment } = loop;
    this.reference.produced(assignment, event);
    this.#passed(() => this.#uplink.handle({ type: 'output', run: keyOf(assignment), event, blobs, kilobytes: 0 }));
  }
}

const savedIn = (bytes: Uint8Array): Saved => JSON.parse(new TextDecoder().decode(bytes)) as Saved;

export const isDue = ({ command }: LoggedCommand, step: number): boolean =>
  command.when === undefined || (command.when.kind === 'step' && command.when.step <= step);
