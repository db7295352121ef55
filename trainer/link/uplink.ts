/** The link's own thread: one socket to the server, the outbox of the held run, its spool, and every wait and retry between them. */
import { rmSync } from 'node:fs';
import type { Socket } from 'socket.io-client';
import type { z } from 'zod';
import { loggedCommand } from '~/shared/commands';
import type { TrainerEvent } from '~/shared/events';
import { pack } from '~/shared/pack';
import {
  assignment,
  type BatchAnswer,
  HEARTBEAT_MS,
  question,
  type RegistrationAnswer,
  type ServerToTrainer,
  type TrainerToServer,
} from '~/shared/protocol';
import { BlobError } from './blobs';
import { HeldRun } from './heldRun';
import { realHost, whyUnreached } from './linkHost';
import { type FromLink, gauge, keyOf, type LinkStart, type ToLink } from './messages';
import type { OutboxBatch } from './outbox';
import { SpoolLimit } from './spoolLimit';
import { Tries } from './tries';

/** Step rows wait this long for more rows, so that a fast run costs 50 messages a second and not one per step; other events are sent immediately. */
const lingerMs = 20;
const answerWithinMs = 30_000;

export class Uplink {
  readonly #gauge: Int32Array;
  readonly #socket: Socket<ServerToTrainer, TrainerToServer>;
  #held: HeldRun | null = null;
  #registered = false;
  #pumping = false;
  #cancelPump: (() => void) | null = null;
  #closing = false;
  #wake: (() => void) | null = null;
  #cancelHeartbeat = () => {};
  readonly #tries: Tries;
  readonly #limit: SpoolLimit;

  constructor(
    private readonly start: LinkStart,
    private readonly report: (message: FromLink) => void,
    private readonly log: (line: string) => void,
    private readonly host = realHost,
  ) {
    this.#gauge = new Int32Array(start.gauge);
    this.#tries = new Tries(this.host, log);
    this.#limit = new SpoolLimit(this.#gauge, start.spoolBytes, this.host, log, () => {
      this.#measure();
      this.#soon(0);
    });
    this.#socket = host.connect(start);
    this.#socket.on('connect', () => void this.#register());
    this.#socket.on('disconnect', (reason) => this.#onDisconnect(reason));
    this.#socket.on('connect_error', (error) => this.#onConnectError(error));
    this.#socket.on('assign', (a) => this.#onAssign(a));
    this.#socket.on('command', ({ runId, ...logged }) => {
      if (this.#held?.runId === runId) this.#onCommand(logged);
    });
    this.#socket.on('release', ({ runId, attempt, message }) => {
      if (this.#held?.runId === runId && this.#held.attempt === attempt) this.#drop(message);
    });
    this.#socket.on('ask', (q) => this.#onAsk(q));
    this.#socket.on('forget', ({ ticket }) => this.report({ type: 'forget', ticket }));
    this.#beat();
  }

  /** Events also show that the trainer is alive, but one message in five seconds does not justify a second rule. */
  #beat(): void {
    this.#cancelHeartbeat = this.host.after(HEARTBEAT_MS, () => {
      if (this.#registered) this.#socket.volatile.emit('heartbeat', { spoolBytes: this.#held?.spool.bytes ?? 0 });
      this.#beat();
    });
  }

  handle(message: ToLink): void {
    switch (message.type) {
      case 'output':
        Atomics.sub(this.#gauge, gauge.queuedKilobytes, message.kilobytes);
        if (this.#isHeld(message.run)) this.#onOutput(message.event, message.blobs);
        return;
      case 'ended':
        if (this.#isHeld(message.run)) this.#held!.ended = true;
        this.#soon(0);
        return;
      case 'answer':
        // A connection is enough: its registration may not have been answered yet. After another connection the server ignores the old ticket.
        if (this.#socket.connected) this.#socket.emit('answer', pack(message.answer));
        return;
      case 'progress':
        if (this.#registered) this.#socket.volatile.emit('progress', message.progress);
        return;
      case 'close':
        void this.#close(message.withinMs);
    }
  }

  /** False when the run was dropped (and perhaps another assigned) before the loop received that message. */
  #isHeld(run: string): boolean {
    return this.#held !== null && keyOf(this.#held) === run;
  }

  // ---- connection ----

  async #register(): Promise<void> {
    const held = this.#held;
    const holding = held ? [{ runId: held.runId, attempt: held.attempt, lastCommandSeq: held.lastCommandSeq }] : [];
    let answer: RegistrationAnswer;
    try {
      answer = await this.#socket.timeout(answerWithinMs).emitWithAck('register', { ...this.start.registration, holding });
    } catch {
      // If the socket disconnected meanwhile, the next connection registers. If it is still connected, the server hangs: try a new connection.
      if (this.#socket.connected) this.#reconnect();
      return;
    }
    if (this.#held !== held) return this.#reconnect();
    if (!answer.ok) {
      if (answer.reason !== 'busy' && answer.reason !== 'failed')
        this.report({ type: 'refused', message: `the server does not take this trainer: ${answer.message}` });
      else this.#tries.complain(`registration: ${answer.message}; trying again`);
      this.host.after(this.#tries.backoffMs(), () => this.#reconnect());
      return;
    }
    this.log(`registered with ${this.start.server}${held ? `, going on with run ${held.runId}` : ''}`);
    this.#tries.registered();
    this.#registered = true;
    this.report({ type: 'server', reached: true });
    if (!held) {
      this.#socket.emit('ready');
      return;
    }
    const going = answer.holding.find((h) => h.runId === held.runId && h.attempt === held.attempt);
    if (!going?.ok) return this.#drop(going?.message ?? 'the server says nothing of the run');
    for (const logged of going.commands) this.#onCommand(logged);
    const outcome = held.outbox.resumeAt(going.nextEvent);
    if (outcome.kind === 'rejected') this.#reject(held, outcome.message);
    this.#soon(0);
  }

  #reconnect(): void {
    if (this.#closing) return;
    this.#registered = false;
    this.#socket.disconnect().connect();
  }

  #onDisconnect(reason: string): void {
    this.#registered = false;
    this.report({ type: 'server', reached: false });
    this.#wake?.();
    this.report({ type: 'forget', ticket: null });
    if (this.#closing || reason === 'io client disconnect') return;
    this.#tries.complain(`connection lost (${reason})${this.#held ? '; training goes on, events are kept on disk' : ''}`);
    // socket.io does not reconnect automatically after the server disconnects it, for example when the server shuts down.
    if (reason === 'io server disconnect') this.host.after(this.#tries.backoffMs(), () => this.#socket.connect());
  }

  #onConnectError(error: Error): void {
    if (this.#closing) return;
    this.#tries.complain(`cannot reach ${this.start.server}: ${whyUnreached(error)}; trying again`);
    if (this.#socket.active) return;
    // Not active: the server refused the connection, so the token is wrong. While a run is held, keep trying: somebody may fix the token.
    const message = `${this.start.server} refuses this trainer: ${error.message}; check HEADROOM_TRAINER_TOKEN`;
    if (!this.#held) this.report({ type: 'refused', message });
    this.host.after(this.#tries.backoffMs(), () => this.#socket.connect());
  }

  // ---- the run ----

  /** The message; null, and a line in the log, when it does not fit the protocol. */
  #parsed<T>(schema: z.ZodType<T>, message: unknown, what: string): T | null {
    const { data, error } = schema.safeParse(message);
    if (!error) return data;
    const [issue] = error.issues;
    this.log(`${what} that does not fit the protocol was ignored: ${issue?.path.join('.')}: ${issue?.message}`);
    return null;
  }

  #onAssign(message: unknown): void {
    const a = this.#parsed(assignment, message, 'an assignment');
    if (!a) return;
    if (this.#held) {
      this.log(`run ${a.runId} was assigned while run ${this.#held.runId} is held: ignored`);
      return;
    }
    const seqs = [...a.commands.map((c) => c.seq), ...(a.resume?.replay.map((r) => r.logged.seq) ?? [])];
    const lastCommandSeq = Math.max(0, ...seqs);
    this.#held = new HeldRun(
      a,
      this.start,
      { host: this.host, log: this.log },
      { lastCommandSeq, lastStep: a.resume?.step ?? 0 },
    );
    this.report({ type: 'assign', assignment: a });
  }

  #onAsk(message: unknown): void {
    const asked = this.#parsed(question, message, 'a question');
    if (asked) this.report({ type: 'ask', question: asked });
  }

  #onCommand(message: unknown): void {
    const held = this.#held;
    const logged = held && this.#parsed(loggedCommand, message, 'a command');
    if (!logged) return;
    if (logged.seq <= held.lastCommandSeq) return;
    held.lastCommandSeq = logged.seq;
    this.report({ type: 'command', logged });
  }

  #onOutput(event: TrainerEvent, blobs: { hash: string; bytes: Uint8Array }[]): void {
    const held = this.#held;
    if (!held || held.ended) return;
    held.put(event, blobs);
    this.#measure();
    this.#soon(event.type === 'rows' ? lingerMs : 0);
  }

  /** Writes to the spool what was put, and looks whether it has room. */
  #measure(): void {
    this.#limit.measure(this.#held);
  }

  /** Drops the run immediately. */
  #drop(message: string): void {
    const held = this.#held;
    if (!held) return;
    this.log(`run ${held.runId} dropped: ${message}`);
    this.#let(held);
    this.report({ type: 'release', message });
    if (this.#registered) this.#socket.emit('ready');
  }

  /** The server refuses this run's events: committed events stay, and a last event says why the run ends. */
  #reject(held: HeldRun, message: string): void {
    this.log(`run ${held.runId} fails: ${message}`);
    if (held.ended) {
      // The server did not accept even the last event. A new registration tells it that nobody holds the run.
      this.#let(held);
      this.report({ type: 'release', message });
      this.#reconnect();
      return;
    }
    held.endWith({ type: 'status', status: 'failed', step: held.lastStep, message: message.slice(0, 2000) });
    this.#measure();
    this.report({ type: 'release', message });
  }

  #let(held: HeldRun): void {
    held.spool.remove();
    this.#held = null;
    this.#measure();
    this.#wake?.();
  }

  // ---- sending ----

  #soon(ms: number): void {
    if (ms === 0) {
      this.#cancelPump?.();
      this.#cancelPump = null;
      void this.#pump();
    } else {
      this.#cancelPump ??= this.host.after(ms, () => this.#soon(0));
    }
  }

  /** Sends batches, one at a time, until nothing is left or the connection is lost. */
  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#registered && this.#held) {
        const held = this.#held;
        const batch = held.outbox.take();
        if (batch) await this.#send(held, batch);
        else if (held.ended && held.waiting === 0) this.#finish(held);
        else break;
      }
    } finally {
      this.#pumping = false;
    }
  }

  #finish(held: HeldRun): void {
    this.log(`run ${held.runId}: all ${held.outbox.next} events are committed`);
    this.#let(held);
    if (!this.#closing) this.#socket.emit('ready');
  }

  async #send(held: HeldRun, batch: OutboxBatch): Promise<void> {
    const events: TrainerEvent[] = [];
    try {
      for (const event of batch.events) events.push(await held.uploaded(event));
    } catch (error) {
      held.outbox.lost(batch);
      if (held !== this.#held) return;
      if (error instanceof BlobError && !error.retry) return this.#reject(held, error.message);
      return this.#pause(error instanceof Error ? error.message : String(error));
    }
    let answer: BatchAnswer;
    try {
      const packed = pack({ runId: held.runId, attempt: held.attempt, from: batch.from, events });
      answer = await this.#socket.timeout(answerWithinMs).emitWithAck('events', packed);
    } catch {
      held.outbox.lost(batch);
      if (this.#registered) await this.#pause('the server did not answer a batch of events in time');
      return;
    }
    if (held !== this.#held) return;
    const outcome = held.outbox.answered(batch, answer);
    switch (outcome.kind) {
      case 'next':
        this.#tries.succeeded();
        this.#measure();
        return;
      case 'retry':
        return this.#pause(outcome.message);
      case 'missing-blob':
        held.uploadAgain(batch.events);
        return this.#pause(`${outcome.message}; uploading again`);
      case 'fenced':
        return this.#drop(outcome.message);
      case 'rejected':
        return this.#reject(held, outcome.message);
    }
  }

  /** Waits before the next try; ends early when the connection is lost or the run dropped. */
  async #pause(message: string): Promise<void> {
    this.#tries.complain(message);
    await new Promise<void>((resolve) => {
      const cancel = this.host.after(this.#tries.backoffMs(), resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
    this.#wake = null;
  }

  /** Sends the remaining events for at most `withinMs`, then closes the connection. */
  async #close(withinMs: number): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    const until = this.host.elapsed() + withinMs;
    const unsent = () => (this.#held ? this.#held.outbox.next - this.#held.outbox.acked + this.#held.waiting : 0);
    this.#soon(0);
    while (unsent() > 0 && this.host.elapsed() < until) await new Promise<void>((resolve) => this.host.after(10, resolve));
    const left = unsent();
    this.#cancelHeartbeat();
    this.#limit.close();
    this.#socket.disconnect();
    if (this.#held) this.#let(this.#held);
    rmSync(this.start.spoolFolder, { recursive: true, force: true });
    this.report({ type: 'closed', unsent: left });
  }
}
