/**
 * Runs of programs that do not speak the trainers' protocol. Everything a program sends becomes events of a run that it has
 * opened, through the same code as trainers' events (dispatch/opened.ts, runs/accept.ts), and is in the same log. Only this file
 * and intakeRun.ts work with runs; the files of each protocol only translate.
 */
import { LRUCache } from 'lru-cache';
import { rateLimit } from '~/server/base/rateLimit';
import { hashOfKey, type Process } from '~/server/dispatch/opened';
import type { BlobStore } from '~/server/store/blobs';
import type { Refusal } from '~/shared/commands';
import type { Actor } from '~/shared/ids';
import type { OpenAnswer, OpenRequest } from '~/shared/protocol';
import { refuse } from '~/shared/refusals';
import { RequestError } from './body';
import { firstEvents, IntakeRun, type IntakeRunDeps } from './intakeRun';
import { titles, type Way, wayOf } from './ways';

export interface IntakeDeps extends IntakeRunDeps {
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
      const runId = opened.runOf(request.key);
      const known = runId === undefined ? null : await this.deps.room(runId);
      if (known && id !== null && (await run.requests.done(known, id))) {
        run.runId = known.runId;
        return { run, state: { step: known.view.step, status: known.view.status }, repeated: true };
      }
      if (known) await run.requests.settle(known);
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
