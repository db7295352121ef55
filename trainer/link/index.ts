/** The loop's side of the link: takes outputs, returns assignments and commands, and never waits for a network. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { LoggedCommand } from '~/shared/commands';
import type { Assignment, Question, QuestionAnswer, QuestionProgress } from '~/shared/protocol';
import type { CommandSource, TrainOutput } from '~/trainer/types';
import { BlobError, getBlob } from './blobs';
import { type FromLink, gauge, keyOf, type LinkStart, type ToLink } from './messages';

/** Most bytes posted and not yet spooled; above this the loop waits for the link's thread. */
const queueBytes = 64 * 2 ** 20;

export type LinkOptions = Omit<LinkStart, 'gauge'>;

/** An assigned run: the source of its commands and the destination of its outputs. */
export class HeldRun implements CommandSource {
  readonly assignment: Assignment;
  /** The reason, once this trainer does not hold the run any more and its outputs are no longer accepted. */
  dropped: string | null = null;
  readonly #commands: LoggedCommand[];
  #waiting: { resolve: () => void; reject: (error: Error) => void } | null = null;
  #closed: Error | null = null;

  constructor(
    private readonly link: Link,
    assignment: Assignment,
  ) {
    this.assignment = assignment;
    this.#commands = [...assignment.commands];
  }

  take(): LoggedCommand[] {
    this.link.receive();
    return this.#commands.splice(0);
  }

  async wait(): Promise<void> {
    this.link.receive();
    if (this.#closed) throw this.#closed;
    if (this.#commands.length > 0) return;
    await new Promise<void>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** Sends a copy of one output to the link's thread. */
  post({ event, blob, pictures }: TrainOutput): void {
    if (this.dropped !== null) return;
    const named = 'blob' in event && event.blob ? event.blob : null;
    if (blob && !named) throw new Error(`a ${event.type} event came with a blob that it does not name`);
    // A structured clone of a view would copy its whole buffer.
    const own = event.type === 'rows' ? { ...event, values: whole(event.values) } : event;
    const blobs: { hash: string; bytes: Uint8Array }[] = [];
    const add = (hash: string, bytes: Uint8Array) =>
      blobs.push({ hash, bytes: bytes.byteLength < bytes.buffer.byteLength ? bytes.slice() : bytes });
    if (pictures && event.type === 'snapshot' && event.pictures) add(event.pictures.hash, pictures);
    if (blob && named) add(named.hash, blob);
    const bytes = blobs.reduce((sum, b) => sum + b.bytes.byteLength, event.type === 'rows' ? event.values.byteLength : 0);
    const kilobytes = 1 + ((bytes / 1024) | 0);
    this.link.send({
      type: 'output',
      run: keyOf(this.assignment),
      event: own,
      blobs,
      kilobytes,
    });
  }

  /** To be called after the last output. */
  end(): void {
    if (this.dropped === null) this.link.send({ type: 'ended', run: keyOf(this.assignment) });
  }

  /** @internal */
  deliver(logged: LoggedCommand): void {
    this.#commands.push(logged);
    this.#waiting?.resolve();
    this.#waiting = null;
  }

  /** Makes `wait` reject from now on. */
  close(message: string): void {
    this.#closed = new Error(message);
    this.#waiting?.reject(this.#closed);
    this.#waiting = null;
  }

  /** @internal */
  drop(message: string): void {
    this.dropped = message;
    this.close(message);
  }
}

export class Link {
  /** Called for each question that arrives. */
  onQuestion: { ask(question: Question): void; forget(ticket: string | null): void } | null = null;
  readonly #gauge = new Int32Array(new SharedArrayBuffer(8));
  readonly #port: MessagePort;
  readonly #worker: Worker;
  #held: HeldRun | null = null;
  #assigned: HeldRun | null = null;
  #failed: Error | null = null;
  #unsent: number | null = null;
  #lostAtMs: number | null = performance.now();
  #wake: (() => void) | null = null;

  /** @param url the entry file of the thread: `workerUrl(import.meta.url)` */
  constructor(
    private readonly options: LinkOptions,
    url: URL,
  ) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#worker = new Worker(url.pathname.endsWith('.ts') ? throughTsx(url) : url, {
      workerData: { start: { ...options, gauge: this.#gauge.buffer } satisfies LinkStart, port: port2 },
      transferList: [port2],
      execArgv: [],
    });
    this.#port.on('message', (message: FromLink) => this.#onMessage(message));
    this.#worker.on('error', (error) => this.#fail(new Error(`the link's thread broke: ${error.stack ?? error.message}`)));
    this.#worker.on('exit', (code) => {
      if (this.#unsent === null) this.#fail(new Error(`the link's thread ended with ${code}`));
    });
  }

  /** How long the server has been unreachable, ms; 0 while this trainer is registered with it. */
  withoutServerMs(): number {
    this.receive();
    return this.#lostAtMs === null ? 0 : performance.now() - this.#lostAtMs;
  }

  /** The next run to train. Rejects when the server refuses this trainer, the link broke, or `signal` fires. */
  async assigned(signal: AbortSignal): Promise<HeldRun> {
    for (;;) {
      if (this.#failed) throw this.#failed;
      signal.throwIfAborted();
      if (this.#assigned) {
        const run = this.#assigned;
        this.#assigned = null;
        return run;
      }
      await this.#news(signal);
    }
  }

  /**
   * Called between outputs: usually returns immediately; waits while the spool or the queue to it is full.
   * @returns how long the loop waited, ms
   */
  async room(run: HeldRun, signal: AbortSignal): Promise<number> {
    this.receive();
    if (this.#failed) throw this.#failed;
    if (!this.#full()) return 0;
    const now = performance.now();
    while (this.#full() && run.dropped === null && !signal.aborted && !this.#failed) await delay(5);
    return performance.now() - now;
  }

  /** A checkpoint's bytes; retries until the server sends them or refuses for good. @throws BlobError */
  async blob(hash: string, run: Pick<HeldRun, 'dropped'>, signal: AbortSignal): Promise<Uint8Array> {
    for (let failures = 0; ; failures++) {
      try {
        return await getBlob(this.options, hash);
      } catch (error) {
        if (!(error instanceof BlobError && error.retry) || run.dropped !== null) throw error;
        await delay(Math.min(5000, 100 * 2 ** failures), undefined, { signal });
      }
    }
  }

  progress(progress: QuestionProgress): void {
    this.send({ type: 'progress', progress });
  }

  answer(answer: QuestionAnswer): void {
    this.send({ type: 'answer', answer });
  }

  /** Waits up to `withinMs` until all posted events are committed, then ends the thread. @returns the number of uncommitted events */
  async close(withinMs: number): Promise<number> {
    this.send({ type: 'close', withinMs });
    while (this.#unsent === null && !this.#failed) await this.#news();
    await this.#worker.terminate();
    this.#port.close();
    if (this.#unsent === null) throw this.#failed;
    return this.#unsent;
  }

  /** @internal Reads the messages of the thread without a turn of the event loop. */
  receive(): void {
    for (let got = receiveMessageOnPort(this.#port); got; got = receiveMessageOnPort(this.#port)) this.#onMessage(got.message);
  }

  /** @internal */
  send(message: ToLink): void {
    if (message.type === 'output') Atomics.add(this.#gauge, gauge.queuedKilobytes, message.kilobytes);
    this.#port.postMessage(message);
  }

  #full(): boolean {
    return (
      Atomics.load(this.#gauge, gauge.spoolFull) === 1 ||
      1024 * Atomics.load(this.#gauge, gauge.queuedKilobytes) > Math.min(queueBytes, this.options.spoolBytes / 2)
    );
  }

  #onMessage(message: FromLink): void {
    switch (message.type) {
      case 'assign':
        this.#held = new HeldRun(this, message.assignment);
        this.#assigned = this.#held;
        break;
      case 'command':
        this.#held?.deliver(message.logged);
        break;
      case 'release':
        this.#held?.drop(message.message);
        this.#held = null;
        break;
      case 'ask':
        this.onQuestion?.ask(message.question);
        return;
      case 'forget':
        this.onQuestion?.forget(message.ticket);
        return;
      case 'server':
        if (message.reached) this.#lostAtMs = null;
        else this.#lostAtMs ??= performance.now();
        return;
      case 'refused':
        this.#fail(new Error(message.message));
        break;
      case 'closed':
        this.#unsent = message.unsent;
        break;
    }
    this.#wake?.();
  }

  #fail(error: Error): void {
    this.#failed ??= error;
    this.#held?.close(error.message);
    this.#wake?.();
  }

  async #news(signal?: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
    this.#wake = null;
  }
}

/** The URL of the thread's entry file, relative to the module at `base` (trainer/process/main.ts, trainer/link/index.ts, or the bundle of either). */
export function workerUrl(base: string): URL {
  const candidates = ['../link/worker.ts', './worker.ts', './link/worker.js', './worker.js'].map((path) => new URL(path, base));
  const found = candidates.find((url) => existsSync(fileURLToPath(url)));
  if (!found)
    throw new Error(
      `the link's thread is missing: none of ${candidates.map((url) => fileURLToPath(url)).join(', ')} exists; run npm run build`,
    );
  return found;
}

/** A thread does not inherit the main thread's loader: this module first registers tsx in the thread, then imports `url`. */
function throughTsx(url: URL): URL {
  const api = createRequire(import.meta.url)
    .resolve('tsx/esm/api')
    .replace(/\.cjs$/, '.mjs');
  const code = `import { register } from ${JSON.stringify(pathToFileURL(api).href)}; register(); await import(${JSON.stringify(url.href)});`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

const whole = (a: Float64Array): Float64Array => (a.byteLength < a.buffer.byteLength ? a.slice() : a);
