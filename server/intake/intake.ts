/**
 * Runs of programs that do not speak the trainers' protocol. Everything a program sends becomes events of a run that it has
 * opened, through the same code as trainers' events (dispatch/opened.ts, runs/accept.ts), and is in the same log. Only this file
 * works with runs; the files of each protocol only translate.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '~/server/base/clock';
import { rateLimit } from '~/server/base/rateLimit';
import { serial } from '~/server/base/serial';
import { hashOfKey, type OpenedRuns, type OwnerPort, type Process } from '~/server/dispatch/opened';
import { eventError } from '~/server/runs/eventError';
import { readEvent } from '~/server/runs/readEvent';
import type { Room } from '~/server/runs/room';
import type { Store } from '~/server/store';
import type { BlobStore } from '~/server/store/blobs';
import { StreamState } from '~/server/store/streamState';
import type { LoggedCommand, Refusal } from '~/shared/commands';
import { actionWithRole } from '~/shared/controlValues';
import type { Actor } from '~/shared/ids';
import type { OpenAnswer, OpenRequest } from '~/shared/protocol';
import { refuse } from '~/shared/refusals';
import { roleOf } from '~/shared/roles';
import { ended, type RunView } from '~/shared/view';
import { RequestError } from './body';

export const ways = ['http', 'mlflow', 'wandb'] as const;
export type Way = (typeof ways)[number];

const titles: Record<Way, string> = {
  http: 'HTTP client',
  mlflow: 'MLflow client',
  wandb: 'wandb client',
};

/** The wandb client sends something at least every 30 s. */
const wandbSilentMs = 150_000;

/**
 * How long a program that uses one of these protocols may be silent before its run counts as crashed; undefined: it uses the
 * trainers' link.
 */
export function silenceOf(trainerId: string, silentMs: number): number | undefined {
  const way = wayOf(trainerId);
  return way === null ? undefined : way === 'wandb' ? Math.min(wandbSilentMs, silentMs) : silentMs;
}

const wayOf = (trainerId: string): Way | null => ways.find((way) => trainerId.startsWith(`${way}.`)) ?? null;

export interface IntakeDeps {
  clock: Clock;
  opened: OpenedRuns;
  room(runId: string): Promise<Room | null>;
  store: Store;
  blobs: BlobStore;
  /** "/headroom" when a proxy serves the server below a path; '' = at the root. */
  basePath: string;
}

/** Limits of one token: requests per second, and requests in a burst. */
const perSecond = 200;
const burst = 2000;

export type Opening = Pick<OpenRequest, 'key' | 'setup' | 'resume' | 'fork'>;

export class Intake {
  /** The most recently used runs: others are loaded again with their next request. */
  readonly #runs = new LRUCache<string, IntakeRun>({ max: 10_000 });
  readonly #limits = new LRUCache<string, (cost?: number) => boolean>({ max: 10_000 });

  constructor(readonly deps: IntakeDeps) {}

  /** @throws RequestError 429 */
  admit(actor: Actor): void {
    const limit = this.#limits.get(actor.id) ?? rateLimit(this.deps.clock, perSecond, burst);
    this.#limits.set(actor.id, limit);
    if (!limit())
      throw new RequestError(
        429,
        `at most ${perSecond} requests a second are taken of one token; log several rows in one request`,
      );
  }

  /**
   * Opens the run of a key for a program, or repeats the answer to the same earlier request.
   *
   * @param id the request's id; null = it has none
   * @param first events of the request besides the one that the run is running
   */
  async open(
    way: Way,
    by: Actor,
    host: string,
    request: Opening,
    { id = null, started = {}, first = [] }: { id?: string | null; started?: object; first?: readonly unknown[] } = {},
  ): Promise<{ run: IntakeRun; state: Extract<OpenAnswer, { ok: true }>['state']; repeated: boolean } | Refusal> {
    const { opened } = this.deps;
    const trainerId = `${way}.${hashOfKey(request.key).slice(0, 32)}`;
    const run = this.#run(way, { trainerId, name: titles[way], host });
    return run.opening(async () => {
      const known = opened.runOf(request.key);
      if (known !== undefined && id !== null && (await run.said(known, id))) {
        const room = (await this.deps.room(known))!;
        run.runId = known;
        return { run, state: { step: room.view.step, status: room.view.status }, repeated: true };
      }
      if (known !== undefined) await run.settle(known);
      const answer = await opened.open(run.process, run, by, request);
      if (!answer.ok) return answer;
      run.runId = answer.runId;
      const { step } = answer.state;
      const said = await run.say(id, () => [...firstEvents(step, run.process, started), ...first]);
      return said.ok ? { run, state: answer.state, repeated: false } : said;
    });
  }

  /** The run with this id or key, if it was opened by this protocol; a run of a trainer or of another protocol is refused. */
  async find(way: Way, name: string): Promise<IntakeRun | Refusal> {
    const { opened, room } = this.deps;
    const runId = (await room(name)) ? name : opened.runOf(name);
    const view = runId === undefined ? null : ((await room(runId))?.view ?? null);
    if (!view) return refuse('unknown-run', `run: there is no run ${name}, and none with this key`, 'run');
    const trainerId = view.trainer?.id ?? '';
    if (wayOf(trainerId) !== way)
      return refuse(
        'state',
        `run: ${view.runId} is the run of ${view.trainer?.name ?? 'a trainer'}, which came in another way`,
        'run',
      );
    const run = this.#run(way, { trainerId, name: view.trainer!.name, host: view.trainer!.host });
    run.runId = view.runId;
    return run;
  }

  #run(way: Way, process: Process): IntakeRun {
    const run = this.#runs.get(process.trainerId) ?? new IntakeRun(this.deps, way, process);
    this.#runs.set(process.trainerId, run);
    return run;
  }
}

/** The action that people can always use on such a run: the answer to the program's next request says so. */
export const stopAction = {
  name: 'stop',
  label: 'Stop',
  role: 'stop',
  risky: true,
  help: 'told to the program when it next says something',
};

const firstEvents = (step: number, process: Process, started: object): unknown[] => [
  { type: 'started', step, device: { device: '' }, controls: { values: [], actions: [stopAction] }, ...started },
  { type: 'status', status: 'running', step, message: `training, as its ${process.name} says` },
];

export type Said = { ok: true; repeated: boolean } | Refusal;

/** Most remembered requests of a run. */
const requestsKept = 200;

interface Told {
  id: string;
  attempt: number;
  /** Number of its first event. */
  from: number;
}

/** One program and the run that it has opened. */
export class IntakeRun implements OwnerPort {
  runId = '';
  readonly #turn = serial();
  readonly opening = serial();
  readonly #waiting = new Set<() => void>();
  #told: { runId: string; requests: Told[] } | null = null;
  /**
   * Data that a protocol keeps while the program is connected, e.g. uploaded files that later rows will name. Lost at a restart.
   */
  readonly notes = new Map<string, unknown>();

  constructor(
    private readonly deps: IntakeDeps,
    private readonly way: Way,
    readonly process: Process,
  ) {}

  command(): void {
    this.wake();
  }

  release(): void {
    this.wake();
  }

  listens(): boolean {
    return this.way === 'wandb' || this.#waiting.size > 0;
  }

  async view(): Promise<RunView> {
    return (await this.room()).view;
  }

  async commands(): Promise<LoggedCommand[]> {
    const room = await this.room();
    return ended(room.view.status) && room.view.status !== 'crashed' ? [] : room.open(0);
  }

  /** Whether people have stopped the run, or requested a stop. */
  async stopAsked(): Promise<boolean> {
    const { view } = await this.room();
    return view.status === 'stopped' || view.openCommands.some((c) => roleOf(view, c.command) === 'stop' && !c.command.when);
  }

  /** Resolves when there is a new command, or after `ms`. */
  async news(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        cancel();
        this.#waiting.delete(done);
        resolve();
      };
      const cancel = this.deps.clock.after(ms, done);
      this.#waiting.add(done);
    });
    this.heard();
  }

  heard(): void {
    this.deps.opened.heard(this.process.trainerId);
  }

  /**
   * Appends a program's events to the log: all or none.
   *
   * @param id the request's id: a request that was already done is not done again, even after a restart of the server; null =
   *   every request is new
   * @param make the events, in a trainer's form, for the run's present state; or why there are none
   * @param items of the request; of several, a refusal names the one that is wrong
   */
  say(
    id: string | null,
    make: (room: Room) => readonly unknown[] | Refusal | Promise<readonly unknown[] | Refusal>,
    items = 1,
  ): Promise<Said> {
    return this.#turn(async (): Promise<Said> => {
      const room = await this.room();
      if (id !== null && (await this.said(room.runId, id))) return { ok: true, repeated: true };
      const lost = await this.#takeUp(room);
      if (lost) return lost;
      const events = await make(room);
      if ('ok' in events) return events;
      // Whoever writes its own requests gets an answer; the other clients do not expect one, and get an alert.
      const trial = this.way === 'http' ? new StreamState(room.streams) : null;
      for (const [i, event] of events.entries()) {
        const read = readEvent(event);
        const at = items > 1 ? `${i}.` : '';
        if (!read.ok) return refuse('invalid', at + read.message, read.field);
        if (!trial) continue;
        if (read.leftOut) return refuse('invalid', at + read.leftOut.message, read.leftOut.field);
        const { type } = read.event;
        const wrong = !type.startsWith('command.') && eventError(room.view, trial, read.event, new Map());
        const words = wrong && at + wrong.replace(/^columns\.0\./, '');
        if (words) return refuse('invalid', words, words.split(':')[0]!);
        trial.apply(read.event);
      }
      if (events.length === 0) return { ok: true, repeated: false };
      const from = room.nextEvent;
      if (id !== null) await this.#remember({ id, attempt: room.view.attempt, from });
      const answer = await room.events({ runId: room.runId, attempt: room.view.attempt, from, events: [...events] });
      if (answer.ok) return { ok: true, repeated: false };
      if (answer.reason === 'missing-blob') return refuse('invalid', `blob.hash: ${answer.message}`, 'blob.hash');
      return refuse(answer.reason === 'unavailable' ? 'busy' : 'state', answer.message);
    });
  }

  /** The program continues its run although the run had ended: a new attempt. */
  async reopen(): Promise<Refusal | null> {
    return this.opening(async () => {
      const room = await this.room();
      await this.settle(room.runId);
      const answer = await this.deps.opened.openKnown(this.process, this, room);
      if (!answer.ok) return answer;
      const said = await this.say(null, () => firstEvents(answer.state.step, this.process, {}));
      return said.ok ? null : said;
    });
  }

  /** Answers a stop that waits, now that the program has received it. */
  async stopped(): Promise<void> {
    await this.say(null, ({ view }) => {
      const stop = actionWithRole(view.controls, 'stop');
      const asked = view.openCommands.filter(
        (c) => c.command.kind === 'act' && c.command.action === stop?.name && !c.command.when,
      );
      const by = asked[0]?.actor.name;
      if (by === undefined) return [];
      return [
        ...asked.map(({ seq, command }) => ({
          type: 'command.applied',
          commandId: command.id,
          seq,
          step: view.step,
          message: 'the program was told',
        })),
        { type: 'status', status: 'stopped', step: view.step, message: `stopped by ${by}` },
      ];
    });
  }

  /** Whether a request was done: its events are in the log. */
  async said(runId: string, id: string): Promise<boolean> {
    const room = await this.deps.room(runId);
    const told = (await this.#requests(runId)).find((t) => t.id === id);
    if (!told || !room) return false;
    return told.attempt < room.view.attempt || told.from < room.nextEvent;
  }

  /**
   * Called before a new attempt begins: requests of the last attempt that never reached the log are dropped, so that they can be
   * done again.
   */
  async settle(runId: string): Promise<void> {
    const room = await this.deps.room(runId);
    const requests = await this.#requests(runId);
    const done = requests.filter((t) => t.attempt !== room?.view.attempt || t.from < room.nextEvent);
    if (done.length < requests.length) await this.#keep(runId, done);
  }

  /** After a restart of the server, or when the run was marked as crashed, its program continues it. */
  async #takeUp(room: Room): Promise<Refusal | null> {
    const { view } = room;
    if (ended(view.status) && view.status !== 'crashed')
      return refuse(
        'run-ended',
        `run ${room.runId} has ended (${view.status})${view.statusMessage && `: ${view.statusMessage}`}`,
      );
    if (this.deps.opened.portOf(room.runId) === this) {
      this.heard();
      if (view.status === 'crashed') await room.back();
      return null;
    }
    const again = await this.deps.opened.goOn(this.process, this, room, {
      runId: room.runId,
      attempt: view.attempt,
      lastCommandSeq: 0,
    });
    return again.ok ? null : refuse('state', again.message);
  }

  async room(): Promise<Room> {
    const room = await this.deps.room(this.runId);
    if (!room) throw new RequestError(404, `run: there is no run ${this.runId}`, 'run');
    return room;
  }

  async #requests(runId: string): Promise<Told[]> {
    if (this.#told?.runId !== runId)
      this.#told = { runId, requests: JSON.parse((await this.deps.store.setting(`intake.${runId}`)) ?? '[]') };
    return this.#told.requests;
  }

  /** Stored before its events: the log then shows whether they were appended. */
  async #remember(told: Told): Promise<void> {
    const requests = [...(await this.#requests(this.runId)).filter((t) => t.id !== told.id), told].slice(-requestsKept);
    await this.#keep(this.runId, requests);
  }

  async #keep(runId: string, requests: Told[]): Promise<void> {
    this.#told = { runId, requests };
    await this.deps.store.setSetting(`intake.${runId}`, JSON.stringify(requests));
  }

  /** Requests that wait for news look again, also whether their program is still there. */
  wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}
