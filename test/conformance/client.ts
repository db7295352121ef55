/** Checks a client by acting as a server: starts it, loses answers and connections, sends commands, and compares its messages with shared/PROTOCOL.md. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';
import { describeZodError } from '~/server/base/zodError';
import { numbersOf, readEvent } from '~/server/runs/readEvent';
import type { ControlSpec, ControlValue } from '~/shared/controls';
import { unpack } from '~/shared/pack';
import { closeRequest, eventBatch, HEARTBEAT_MS, openRequest, registration } from '~/shared/protocol';
import { equal, need, Report } from './report';

const token = 'conformance-token';
const run = { runId: 'conform001', attempt: 3 };
const actor = { id: 'u1', name: 'Conformance', role: 'operator' };
const blobPath = '/api/blobs/';

type Event = Record<string, unknown> & { type: string };
type Answered = (answer: unknown) => unknown;

/** The part of a server that a client sees: the received events, and the next answer. */
class Stage {
  readonly http = createServer((request, response) => void this.#blob(request, response));
  readonly io = new Server(this.http, {
    path: '/trainer',
    transports: ['websocket'],
    serveClient: false,
    maxHttpBufferSize: 16 << 20,
  });
  socket: Socket | null = null;
  registrations: unknown[] = [];
  opens: unknown[] = [];
  heartbeats: number[] = [];
  lastHeard = Date.now();
  /** Committed events, in order. */
  readonly events: Event[] = [];
  nextEvent = 0;
  /** Errors found, each once. */
  readonly wrong = new Set<string>();
  readonly blobs = new Map<string, Buffer>();
  puts = 0;
  /** Replaces the right answer to the next batch. */
  next: 'unavailable' | 'gap' | 'commit and cut' | 'missing-blob' | null = null;
  /** `from` of every batch, in order. */
  readonly batches: number[] = [];
  commands: { seq: number; actor: typeof actor; command: Record<string, unknown> }[] = [];
  released = false;
  afterRelease = 0;
  #inFlight = 0;
  readonly #watchers = new Set<() => void>();

  async start(): Promise<string> {
    this.io.use((socket, next) => {
      const given = socket.handshake.headers.authorization;
      if (given === `Bearer ${token}`) return next();
      this.wrong.add(`the header "authorization: Bearer <token>" was ${given === undefined ? 'missing' : 'another one'}`);
      next(new Error('unknown token'));
    });
    this.io.on('connection', (socket) => this.#connected(socket));
    await new Promise<void>((resolve) => this.http.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    await this.io.close();
  }

  cut(): void {
    this.socket?.conn.close();
    this.socket = null;
  }

  steer(command: Record<string, unknown>): number {
    const seq = 100 + this.commands.length;
    const logged = { seq, actor, command: { runId: run.runId, ...command } };
    this.commands.push(logged);
    this.socket?.emit('command', { ...logged, runId: run.runId });
    return seq;
  }

  async until(what: string, condition: () => boolean, withinMs = 15_000): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!condition()) return;
        clearTimeout(timer);
        this.#watchers.delete(look);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#watchers.delete(look);
        reject(new Error(`${what}: not within ${withinMs / 1000} s`));
      }, withinMs);
      this.#watchers.add(look);
    });
  }

  #changed(): void {
    for (const look of [...this.#watchers]) look();
  }

  #connected(socket: Socket): void {
    this.socket = socket;
    this.#inFlight = 0;
    let registered = false;
    const on = (name: string, handle: (payload: unknown, answer: Answered) => unknown) =>
      socket.on(name, (...args: unknown[]) => {
        this.lastHeard = Date.now();
        const answer = args.at(-1);
        if (!registered && name !== 'register') this.wrong.add(`"${name}" came before "register"`);
        handle(args[0], typeof answer === 'function' ? (answer as Answered) : () => {});
        this.#changed();
      });
    on('register', (payload, answer) => {
      registered = true;
      const parsed = registration.safeParse(payload);
      if (!parsed.success) {
        this.wrong.add(`registration: ${describeZodError(parsed.error)}`);
        return answer({ ok: false, reason: 'invalid', message: describeZodError(parsed.error), field: null });
      }
      this.registrations.push(parsed.data);
      const holding = parsed.data.holding.map(({ runId, attempt }) =>
        runId === run.runId && attempt === run.attempt && !this.released
          ? { runId, attempt, ok: true, nextEvent: this.nextEvent, commands: this.open() }
          : { runId, attempt, ok: false, message: 'the run is not yours' },
      );
      answer({ ok: true, holding });
    });
    on('open', (payload, answer) => {
      const parsed = openRequest.safeParse(payload);
      if (!parsed.success) {
        this.wrong.add(`open: ${describeZodError(parsed.error)}`);
        return answer({ ok: false, reason: 'invalid', message: describeZodError(parsed.error), field: null });
      }
      this.opens.push(parsed.data);
      answer({ ok: true, ...run, nextEvent: 0, commands: [], state: { step: 0, status: 'queued' } });
    });
    on('close', (payload, answer) => {
      if (!closeRequest.safeParse(payload).success) this.wrong.add('close: {runId, attempt} is needed');
      answer({ ok: true });
    });
    on('heartbeat', () => this.heartbeats.push(Date.now()));
    on('ready', () => {});
    on('events', (payload, answer) => this.#batch(payload, answer));
  }

  /** Commands without a final answer. */
  open() {
    return this.commands.filter(
      ({ command }) => !this.answersTo(command.id as string).some((e) => e.type !== 'command.scheduled'),
    );
  }

  answersTo(id: string): Event[] {
    return this.events.filter((e) => e.commandId === id && e.type.startsWith('command.'));
  }

  #batch(payload: unknown, answer: Answered): unknown {
    if (this.released) {
      this.afterRelease++;
      return answer({ ok: false, reason: 'fenced', message: 'released' });
    }
    if (this.#inFlight > 0) this.wrong.add('a batch came before the one before it was answered');
    let batch: ReturnType<typeof eventBatch.parse>;
    try {
      batch = eventBatch.parse(unpack(payload as Uint8Array));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.wrong.add(`a batch cannot be read: ${message.slice(0, 200)}`);
      return answer({ ok: false, reason: 'invalid', message });
    }
    this.batches.push(batch.from);
    if (batch.runId !== run.runId || batch.attempt !== run.attempt) {
      this.wrong.add(`a batch is of run ${batch.runId}, attempt ${batch.attempt}`);
      return answer({ ok: false, reason: 'fenced', message: 'there is no such attempt' });
    }
    if (batch.from > this.nextEvent) {
      this.wrong.add(`a batch begins at event ${batch.from}, though ${this.nextEvent} is the next`);
      return answer({ ok: false, reason: 'gap', nextEvent: this.nextEvent, message: 'a gap' });
    }
    const told = this.next;
    this.next = null;
    if (told === 'unavailable') return answer({ ok: false, reason: 'unavailable', message: 'not now' });
    if (told === 'gap') return answer({ ok: false, reason: 'gap', nextEvent: this.nextEvent, message: 'send from there' });
    const named = (batch.events as Event[]).flatMap((e) => (e.blob ? [(e.blob as { hash: string }).hash] : []));
    if (told === 'missing-blob') {
      if (named.length === 0) this.next = told;
      for (const hash of named) this.blobs.delete(hash);
    }
    const missing = named.find((hash) => !this.blobs.has(hash));
    if (missing) return answer({ ok: false, reason: 'missing-blob', hash: missing, message: `blob ${missing} is not here` });
    this.#commit(batch.from, batch.events);
    if (told === 'commit and cut') return this.cut();
    this.#inFlight++;
    // A short delay, to detect a client that does not wait for the answer.
    setTimeout(() => {
      this.#inFlight--;
      answer({ ok: true, nextEvent: this.nextEvent });
    }, 5);
  }

  #commit(from: number, events: readonly unknown[]): void {
    let at = from;
    for (const raw of events) {
      const count = numbersOf(raw);
      const read = readEvent(raw);
      if (!read.ok) this.wrong.add(`event ${at}: ${read.message.slice(0, 300)}`);
      if (at >= this.nextEvent && read.ok) this.events.push(read.event as unknown as Event);
      else if (at + count > this.nextEvent && read.ok) this.events.push({ ...(read.event as unknown as Event), partOf: true });
      at += count;
      this.nextEvent = Math.max(this.nextEvent, at);
    }
  }

  async #blob(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!request.url?.startsWith(blobPath)) return;
    const hash = request.url.slice(blobPath.length);
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const bytes = Buffer.concat(parts);
    const known = request.headers.authorization === `Bearer ${token}`;
    const right = createHash('sha256').update(bytes).digest('hex') === hash;
    if (!known) this.wrong.add('a blob came without the token');
    if (request.method === 'PUT' && !right) this.wrong.add('a blob does not have the hash that its address names');
    const status = !known ? 401 : request.method === 'GET' ? (this.blobs.has(hash) ? 200 : 404) : right ? 201 : 400;
    if (status === 201) {
      this.blobs.set(hash, bytes);
      this.puts++;
    }
    response.writeHead(status).end(request.method === 'GET' ? this.blobs.get(hash) : undefined);
    this.#changed();
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export async function checkClient(command: readonly string[], print: (line: string) => void): Promise<Report> {
  const report = new Report(print);
  const stage = new Stage();
  const url = await stage.start();
  const child = spawn(command[0]!, command.slice(1), {
    env: { ...process.env, HEADROOM_SERVER: url, HEADROOM_TRAINER_TOKEN: token },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  let exit: string | null = null;
  child.on('exit', (code, signal) => {
    exit = `it ended with ${signal ?? code}`;
  });
  try {
    await play(stage, report, () => exit);
  } finally {
    child.kill('SIGKILL');
    await stage.stop();
  }
  await report.check('all that it sent fits the page', () => {
    need(stage.wrong.size === 0, [...stage.wrong].slice(0, 5).join('; '));
    return undefined;
  });
  return report;
}

async function play(stage: Stage, report: Report, exit: () => string | null): Promise<void> {
  const rowsNow = () => stage.events.filter((e) => e.type === 'rows').length;
  const more = async (n: number) => {
    const before = rowsNow();
    await stage.until(`${n} more rows${exit() ? ` (${exit()})` : ''}`, () => rowsNow() >= before + n);
  };
  await report.check('it connects, registers and opens a run', async () => {
    await stage.until('a registration', () => stage.registrations.length > 0, 30_000);
    await stage.until('open', () => stage.opens.length > 0);
    equal((stage.registrations[0] as { holding: unknown[] }).holding, [], 'holding of the first registration');
  });
  if (report.failed > 0) return;
  await report.check('it says what it is, then that it runs, then rows of declared streams with ascending steps', async () => {
    await more(5);
    equal(stage.events[0]?.type, 'started', 'the first event');
    const status = stage.events.findIndex((e) => e.type === 'status');
    need(status > 0 && status < stage.events.findIndex((e) => e.type === 'rows'), 'a status must come before the first rows');
    declaredAndAscending(stage.events);
  });
  await report.check('a batch whose answer is lost with the connection is sent again, and it goes on where it was', async () => {
    const before = stage.registrations.length;
    stage.next = 'commit and cut';
    await stage.until('a batch', () => stage.socket === null);
    await stage.until('a new registration', () => stage.registrations.length > before, 20_000);
    const { holding } = stage.registrations.at(-1) as { holding: unknown[] };
    equal(
      holding.map((h) => ({ ...(h as object), lastCommandSeq: undefined })),
      [{ ...run }],
      'holding',
    );
    await more(3);
    declaredAndAscending(stage.events);
  });
  await report.check('"unavailable" is answered by the same batch again', async () => {
    stage.next = 'unavailable';
    await stage.until('a batch', () => stage.next === null);
    const from = stage.batches.at(-1);
    const count = stage.batches.length;
    await stage.until('the next batch', () => stage.batches.length > count);
    equal(stage.batches[count], from, 'from');
  });
  await report.check('"gap" is answered from the number that it names', async () => {
    stage.next = 'gap';
    await stage.until('a batch', () => stage.next === null);
    const { nextEvent } = stage;
    const count = stage.batches.length;
    await stage.until('the next batch', () => stage.batches.length > count);
    equal(stage.batches[count], nextEvent, 'from');
  });
  await report.check('a blob that is missing is stored before its event is sent again', async () => {
    await stage.until('a blob', () => stage.puts > 0, 5_000).catch(() => {});
    if (stage.puts === 0) return 'it stored no blob within 5 s';
    const before = stage.puts;
    stage.next = 'missing-blob';
    const lost = await stage
      .until('an event with a blob', () => stage.next === null, 10_000)
      .then(
        () => true,
        () => false,
      );
    stage.next = null;
    if (!lost) return 'no event named a blob within 10 s';
    await stage.until('the blob again', () => stage.puts > before);
    await more(1);
  });
  await steering(stage, report, more);
  await report.check('after "release" it sends nothing more', async () => {
    stage.released = true;
    stage.socket?.emit('release', { ...run, message: 'the check is over' });
    await pause(500);
    stage.afterRelease = 0;
    await pause(1_500);
    equal(stage.afterRelease, 0, 'batches');
  });
}

async function steering(stage: Stage, report: Report, more: (n: number) => Promise<void>): Promise<void> {
  const { controls, values } = stage.events.find((e) => e.type === 'started') as unknown as {
    controls: { values: ControlSpec[]; actions: { name: string; role?: string }[] };
    values: Record<string, ControlValue>;
  };
  const control = controls.values.find((c) => c.type === 'number' || c.type === 'integer');
  const none = control ? undefined : 'it declares no control that is a number';
  const answered = async (id: string) => {
    await stage.until(`an answer to command ${id}`, () => stage.answersTo(id).length > 0);
    return stage.answersTo(id);
  };
  const now = values[control?.name ?? ''] as number;
  const other = control ? otherValue(control, now) : 0;

  await report.check('a change is applied between two updates and answered once, also when it comes twice', async () => {
    if (!control) return none;
    const seq = stage.steer({ kind: 'set', id: 'check-change', control: control.name, value: other });
    const [answer] = await answered('check-change');
    equal([answer?.type, answer?.seq, answer?.after], ['command.applied', seq, other], 'answer');
    stage.socket?.emit('command', { ...stage.commands.at(-1), runId: run.runId });
    await more(3);
    equal(stage.answersTo('check-change').length, 1, 'answers');
  });
  await report.check('a change of a value that is no longer as it was seen is refused as conflict', async () => {
    if (!control) return none;
    stage.steer({ kind: 'set', id: 'check-conflict', control: control.name, value: now, expected: now });
    const [answer] = await answered('check-conflict');
    equal([answer?.type, answer?.reason], ['command.refused', 'conflict'], 'answer');
  });
  await report.check('a control that there is not is refused', async () => {
    stage.steer({ kind: 'set', id: 'check-unknown', control: 'no.such.control', value: 1 });
    equal((await answered('check-unknown'))[0]?.type, 'command.refused', 'answer');
  });
  await report.check('what is to happen later is scheduled, kept over a cut, and applied once at its step', async () => {
    if (!control) return none;
    const far = { kind: 'step', step: 2 ** 40 };
    stage.steer({ kind: 'set', id: 'check-far-off', control: control.name, value: now, when: far });
    equal((await answered('check-far-off'))[0]?.type, 'command.scheduled', 'answer');
    const before = stage.registrations.length;
    stage.cut();
    await stage.until('a new registration', () => stage.registrations.length > before, 20_000);
    await more(3);
    need(
      stage.answersTo('check-far-off').every((e) => e.type === 'command.scheduled'),
      'it was applied before its step',
    );
    const at = lastStep(stage.events) + 5;
    stage.steer({ kind: 'set', id: 'check-soon', control: control.name, value: now, when: { kind: 'step', step: at } });
    await stage.until('the scheduled change', () => stage.answersTo('check-soon').some((e) => e.type === 'command.applied'));
    const done = stage.answersTo('check-soon').filter((e) => e.type === 'command.applied');
    need(
      done.length === 1 && (done[0]!.step as number) >= at,
      `it was applied at step ${done.map((e) => e.step)}, not once at ${at}`,
    );
  });
  const named = (role: string) => controls.actions.find((a) => a.role === role)?.name;
  await report.check('it pauses, answers and is alive while paused, and goes on', async () => {
    const [pausing, resuming] = [named('pause'), named('resume')];
    if (!pausing || !resuming) return 'it declares no actions of the roles pause and resume';
    stage.steer({ kind: 'act', id: 'check-pause', action: pausing, args: {} });
    equal((await answered('check-pause'))[0]?.type, 'command.applied', 'answer');
    await stage.until('status paused', () => lastStatus(stage.events) === 'paused');
    await pause(300);
    const rows = stage.events.filter((e) => e.type === 'rows').length;
    stage.steer({ kind: 'set', id: 'check-while-paused', control: 'no.such.control', value: 1 });
    await answered('check-while-paused');
    const since = Date.now();
    await stage.until('a sign of life while paused', () => stage.heartbeats.some((at) => at > since), HEARTBEAT_MS + 2_000);
    equal(stage.events.filter((e) => e.type === 'rows').length, rows, 'rows while paused');
    stage.steer({ kind: 'act', id: 'check-resume', action: resuming, args: {} });
    equal((await answered('check-resume'))[0]?.type, 'command.applied', 'answer');
    await stage.until('status running', () => lastStatus(stage.events) === 'running');
    await more(1);
  });
}

const lastStatus = (events: readonly Event[]) => events.findLast((e) => e.type === 'status')?.status;

/** Half or double the value, as the declaration allows. */
function otherValue({ min, max, type }: ControlSpec, now: number): number {
  const half = type === 'integer' ? Math.max(1, Math.floor(now / 2)) : now / 2;
  const fits = (v: number) => v !== now && (min === null || v > min) && (max === null || v < max);
  return [half, now * 2, now + 1, now - 1].find(fits) ?? now;
}

type Steps = { first: number; count: number } | Float64Array;
const lastOf = (steps: Steps): number => (steps instanceof Float64Array ? steps.at(-1)! : steps.first + steps.count - 1);
const firstOf = (steps: Steps): number => (steps instanceof Float64Array ? steps[0]! : steps.first);

const lastStep = (events: readonly Event[]): number =>
  Math.max(0, ...events.flatMap((e) => (e.type === 'rows' ? [lastOf(e.steps as Steps)] : [])));

/** @throws Error when rows come before the declaration of their stream, or their steps do not ascend */
function declaredAndAscending(events: readonly Event[]): void {
  const width = new Map<string, number>();
  const last = new Map<string, number>();
  const declare = (stream: { stream: string; columns: unknown[] }) => width.set(stream.stream, stream.columns.length);
  for (const e of events) {
    if (e.type === 'series') declare(e as never);
    if (e.type === 'started') for (const s of (e.streams as never[] | undefined) ?? []) declare(s);
    if (e.type === 'rewind')
      for (const [name, step] of last) if (step >= (e.step as number)) last.set(name, (e.step as number) - 1);
    if (e.type !== 'rows' || e.partOf) continue;
    const name = e.stream as string;
    const steps = e.steps as Steps;
    need(width.has(name), `rows of the stream ${name} came before it was declared`);
    need(
      firstOf(steps) > (last.get(name) ?? Number.NEGATIVE_INFINITY),
      `step ${firstOf(steps)} of ${name} does not come after ${last.get(name)}`,
    );
    last.set(name, lastOf(steps));
  }
}
