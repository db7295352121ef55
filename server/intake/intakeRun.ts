/** One program that does not speak the trainers' protocol, and the run that it has opened. */

import type { Clock } from '~/server/base/clock';
import { serial } from '~/server/base/serial';
import type { OpenedRuns, OwnerPort, Process } from '~/server/dispatch/opened';
import { eventError } from '~/server/runs/eventError';
import { readEvent } from '~/server/runs/readEvent';
import type { Room } from '~/server/runs/room';
import type { Store } from '~/server/store';
import { StreamState } from '~/server/store/streamState';
import type { LoggedCommand, Refusal } from '~/shared/commands';
import { actionWithRole } from '~/shared/controlValues';
import { refuse } from '~/shared/refusals';
import { roleOf } from '~/shared/roles';
import { over, type RunView } from '~/shared/view';
import { RequestError } from './body';
import { DoneRequests } from './doneRequests';
import type { Way } from './ways';

/** The action that people can always use on such a run: the answer to the program's next request says so. */
export const stopAction = {
  name: 'stop',
  label: 'Stop',
  role: 'stop',
  risky: true,
  help: 'told to the program when it next says something',
};

export const firstEvents = (step: number, process: Process, started: object): unknown[] => [
  { type: 'started', step, device: { device: '' }, controls: { values: [], actions: [stopAction] }, ...started },
  { type: 'status', status: 'running', step, message: `training, as its ${process.name} says` },
];

export type Said = { ok: true; repeated: boolean } | Refusal;

export interface IntakeRunDeps {
  clock: Clock;
  opened: OpenedRuns;
  room(runId: string): Promise<Room | null>;
  store: Store;
}

/** One program and the run that it has opened. */
export class IntakeRun implements OwnerPort {
  runId = '';
  readonly #turn = serial();
  readonly opening = serial();
  readonly #waiting = new Set<() => void>();
  readonly requests: DoneRequests;
  /**
   * Data that a protocol keeps while the program is connected, e.g. uploaded files that later rows will name. Lost at a restart.
   */
  readonly notes = new Map<string, unknown>();

  constructor(
    private readonly deps: IntakeRunDeps,
    private readonly way: Way,
    readonly process: Process,
  ) {
    this.requests = new DoneRequests(deps);
  }

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
    return over(room.view.status) ? [] : room.open(0);
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
   * @param logged called before the next request's `make`, once the events are in the log (or there were none): a protocol changes
   *   its own state here, not in `make`, whose events may fail to be written and are then made again for the same request
   */
  say(
    id: string | null,
    make: (room: Room) => readonly unknown[] | Refusal | Promise<readonly unknown[] | Refusal>,
    { items = 1, logged = () => {} }: { items?: number; logged?: () => void } = {},
  ): Promise<Said> {
    return this.#turn(async (): Promise<Said> => {
      const room = await this.room();
      if (id !== null && (await this.requests.done(room, id))) return { ok: true, repeated: true };
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
      if (events.length === 0) {
        logged();
        return { ok: true, repeated: false };
      }
      if (id !== null) await this.requests.add(room, id);
      const { runId, nextEvent: from } = room;
      const answer = await room.events({ runId, attempt: room.view.attempt, from, events: [...events] }).finally(() => {
        // A write that failed may have taken effect.
        if (room.nextEvent > from) logged();
      });
      if (answer.ok) return { ok: true, repeated: false };
      if (answer.reason === 'missing-blob') return refuse('invalid', `blob.hash: ${answer.message}`, 'blob.hash');
      return refuse(answer.reason === 'unavailable' ? 'busy' : 'state', answer.message);
    });
  }

  /** The program continues its run although the run had ended: a new attempt. */
  async reopen(): Promise<Refusal | null> {
    return this.opening(async () => {
      const room = await this.room();
      await this.requests.settle(room);
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

  /** After a restart of the server, or when the run was marked as crashed, its program continues it. */
  async #takeUp(room: Room): Promise<Refusal | null> {
    const { view } = room;
    if (over(view.status))
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

  /** Requests that wait for news look again, also whether their program is still there. */
  wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}
