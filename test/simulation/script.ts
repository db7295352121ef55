/**
 * A program that opens its own run and logs into it, by the protocol alone. It saves its state from time to time; when it was killed, it
 * starts again, opens its run with the same key and goes on from there.
 */
import { type LoggedCommand, refusal } from '~/shared/commands';
import type { TrainerEvent } from '~/shared/events';
import { pack } from '~/shared/pack';
import { type BatchAnswer, HEARTBEAT_MS, type OpenAnswer, type RegistrationAnswer, VERSION } from '~/shared/protocol';
import { seqCount } from '~/shared/rows';
import type { ClientSocket, Process } from './network';
import type { Reference } from './reference';
import { controls, isDue } from './trainer';
import type { World } from './world';

/** What the program keeps on its own disk. */
export interface ScriptFile {
  key: string;
  steps: number;
  step: number;
  value: number;
  /** It has logged everything, or its run was taken from it. */
  done: boolean;
}

interface Held {
  runId: string;
  attempt: number;
  waiting: LoggedCommand[];
  /** Commands that wait for their step. */
  later: LoggedCommand[];
  known: Set<number>;
  step: number;
  value: number;
  ended: boolean;
}

const saveEvery = 7;
const answerWithinMs = 10_000;

export class SimScript implements Process {
  alive = true;
  readonly id: string;
  readonly #socket: ClientSocket;
  #held: Held | null = null;
  /** Events without an acknowledgement, each with its number. */
  #unsent: { from: number; event: TrainerEvent }[] = [];
  #made = 0;
  #sending = false;
  #registered = false;
  #connections = 0;

  constructor(
    private readonly world: World,
    private readonly reference: Reference,
    readonly file: ScriptFile,
    private readonly stepMs: number,
    connect: (process: Process) => ClientSocket,
    private readonly onOpen: (runId: string) => void,
  ) {
    this.id = world.newId('trainer');
    this.#socket = connect(this);
    this.#socket.on('connect', () => void this.#register(++this.#connections));
    this.#socket.on('disconnect', (reason: string) => {
      this.#registered = false;
      this.#sending = false;
      this.#connections++;
      if (reason === 'io server disconnect') this.#later(1000, () => this.#socket.connect());
    });
    this.#socket.on('command', ({ runId, ...logged }: LoggedCommand & { runId: string }) => {
      if (this.#held?.runId === runId) this.#held.waiting.push(logged);
    });
    this.#socket.on('release', ({ runId, attempt, message }: { runId: string; attempt: number; message: string }) => {
      if (this.#held?.runId === runId && this.#held.attempt === attempt) this.#end(message);
    });
    this.#beat();
  }

  /** The process was killed. */
  leave(): void {
    this.alive = false;
    this.#socket.gone();
  }

  #later(ms: number, task: () => void): void {
    this.world.after(ms, () => this.alive && task());
  }

  #beat(): void {
    this.#later(HEARTBEAT_MS, () => {
      if (this.#registered) this.#socket.volatile.emit('heartbeat', { spoolBytes: 0 });
      this.#beat();
    });
  }

  /** @param connection the present one: answers of an earlier connection are ignored */
  async #register(connection: number): Promise<void> {
    const again = () => this.#later(500, () => connection === this.#connections && void this.#register(connection));
    const held = this.#held;
    const holding = held
      ? [
          {
            runId: held.runId,
            attempt: held.attempt,
            lastCommandSeq: Math.max(0, ...held.known, ...held.waiting.map((w) => w.seq)),
          },
        ]
      : [];
    const about = { version: VERSION, trainerId: this.id, name: this.id, host: 'elsewhere', pid: 1, recipes: [], memoryBytes: 1 };
    try {
      const answer = (await this.#ask('register', { ...about, holding })) as RegistrationAnswer;
      if (connection !== this.#connections || !this.alive) return;
      if (!answer.ok) return again();
      this.#registered = true;
      const [going] = answer.holding;
      if (!held || !going) return await this.#open(connection);
      if (!going.ok) return this.#end(going.message);
      held.waiting.push(...going.commands);
      this.#acknowledged(going.nextEvent);
      this.#send();
    } catch {
      if (connection === this.#connections && this.alive) again();
    }
  }

  async #open(connection: number): Promise<void> {
    const setup = { name: 'Script', project: 'default', tags: [], recipe: null, config: {} };
    const answer = (await this.#ask('open', { key: this.file.key, setup, resume: 'allow' })) as OpenAnswer;
    if (connection !== this.#connections || !this.alive) return;
    if (!answer.ok) {
      // Another process of this program is alive, or the store failed; the run may also be in the trash.
      if (refusal.parse(answer).reason === 'state') return this.#end(answer.message);
      return this.#later(
        this.world.between(500, 3000),
        () => connection === this.#connections && void this.#register(connection),
      );
    }
    const { runId, attempt, commands } = answer;
    const { step, value } = this.file;
    this.world.note(`${this.id} opens ${runId}, attempt ${attempt}, at step ${step}`);
    this.#held = { runId, attempt, waiting: [...commands], later: [], known: new Set(), step, value, ended: false };
    this.onOpen(runId);
    this.#say({
      type: 'started',
      step,
      device: { device: 'simulated' },
      streams: [{ stream: 'steps', columns: [{ name: 'value' }] }],
      controls: { values: controls.values, actions: controls.actions.filter((a) => a.name === 'stop') },
      values: { value },
    });
    if (attempt > 1) this.#say({ type: 'rewind', step });
    this.#say({ type: 'status', status: 'running', step, message: this.id });
    this.#next(this.#held);
  }

  #ask(name: string, message: unknown): Promise<unknown> {
    return this.#socket.timeout(answerWithinMs).emitWithAck(name, message);
  }

  #next(held: Held): void {
    this.#later(this.stepMs * this.world.between(0.5, 1.5), () => this.#held === held && !held.ended && this.#step(held));
  }

  #step(held: Held): void {
    for (const logged of held.waiting.splice(0)) {
      if (held.known.has(logged.seq)) continue;
      held.known.add(logged.seq);
      const { seq, command } = logged;
      if (isDue(logged, held.step)) {
        if (this.#apply(held, logged)) return;
      } else {
        held.later.push(logged);
        this.#say({ type: 'command.scheduled', commandId: command.id, seq, step: held.step, message: this.id });
      }
    }
    for (const logged of held.later.filter((l) => isDue(l, held.step))) {
      held.later = held.later.filter((l) => l !== logged);
      if (this.#apply(held, logged)) return;
    }
    this.#say({ type: 'rows', stream: 'steps', steps: { first: held.step, count: 1 }, values: Float64Array.of(held.value) });
    held.step++;
    if (held.step % saveEvery === 0) Object.assign(this.file, { step: held.step, value: held.value });
    if (held.step < this.file.steps) this.#next(held);
    else this.#finish(held, 'finished');
  }

  /** @returns true when it ends the run */
  #apply(held: Held, { seq, command }: LoggedCommand): boolean {
    const before = held.value;
    if (command.kind === 'set') held.value = command.value as number;
    const [from, to] = command.kind === 'set' ? [before, held.value] : [null, null];
    const about = { commandId: command.id, seq, step: held.step, message: this.id };
    this.#say({ type: 'command.applied', ...about, before: from, after: to });
    if (command.kind === 'act' && command.action === 'stop') this.#finish(held, 'stopped');
    return held.ended;
  }

  #finish(held: Held, status: 'finished' | 'stopped'): void {
    for (const { seq, command } of held.later.splice(0))
      this.#say({
        type: 'command.refused',
        commandId: command.id,
        seq,
        step: held.step,
        reason: 'run-ended',
        message: this.id,
      });
    this.#say({ type: 'status', status, step: held.step, message: this.id });
    held.ended = true;
  }

  #say(event: TrainerEvent): void {
    this.reference.produced(this.#held!, event);
    this.#unsent.push({ from: this.#made, event });
    this.#made += seqCount(event);
    this.#send();
  }

  #send(): void {
    const held = this.#held;
    const events = this.#unsent.slice(0, 1 + this.world.below(8));
    if (!held || !this.#registered || this.#sending || events.length === 0) return;
    const connection = this.#connections;
    const mine = () => connection === this.#connections && this.#held === held && this.alive;
    this.#sending = true;
    const batch = { runId: held.runId, attempt: held.attempt, from: events[0]!.from, events: events.map((e) => e.event) };
    const again = () => {
      if (!mine()) return;
      this.#sending = false;
      this.#later(300, () => this.#send());
    };
    this.#ask('events', pack(batch)).then((given) => {
      if (!mine()) return;
      const answer = given as BatchAnswer;
      if (answer.ok || answer.reason === 'gap') {
        this.#acknowledged(answer.nextEvent);
        this.#sending = false;
        this.#send();
      } else if (answer.reason === 'unavailable') again();
      else this.#end(answer.message);
    }, again);
  }

  #acknowledged(nextEvent: number): void {
    this.#unsent = this.#unsent.filter((u) => u.from >= nextEvent);
    const first = this.#unsent[0]?.from ?? this.#made;
    this.world.check(
      first === nextEvent,
      () => `${this.id}: the server goes on with event ${nextEvent}, the script's next is ${first}`,
    );
    if (this.#held?.ended && this.#unsent.length === 0) this.#end('it is finished');
  }

  #end(message: string): void {
    this.world.note(`${this.id} ends: ${message}`);
    this.file.done = true;
    this.#held = null;
    this.alive = false;
    this.#socket.gone();
  }
}
