import { nanoid } from 'nanoid';
import type { Actor } from '~/shared/ids';
import type { JobState } from '~/shared/jobs';

export type Progress = Pick<JobState, 'doing' | 'done' | 'total' | 'unit'>;

/** The answer to a request in JSON; a body of null: none. */
export interface Answer {
  status: number;
  body: object | null;
}

/** One job, as seen by the code that does the work. */
export interface Job {
  readonly id: string;
  /** Aborted when the job is canceled, or by `end`. */
  readonly signal: AbortSignal;
  progress(at: Progress): void;
  /** Called when the client that waited has disconnected. */
  cancel(): void;
  /** Only the first call has an effect. */
  end(status: Exclude<JobState['status'], 'running'>, message?: string): void;
}

/** Most ended jobs whose state can still be read. */
const kept = 200;

/**
 * Exports and imports in progress, and the results of the newest ones. The person who started a job, and admins, can follow and
 * cancel it.
 */
export class Jobs {
  readonly #working = new Set<Promise<unknown>>();
  readonly #jobs = new Map<string, { state: JobState; actorId: string; controller: AbortController; answer?: Promise<Answer> }>();

  /** @returns null when a job with this id exists */
  begin(actor: Actor, { id = nanoid(), kind, what }: { id?: string; kind: JobState['kind']; what: string }): Job | null {
    if (this.#jobs.has(id)) return null;
    const controller = new AbortController();
    const state: JobState = {
      id,
      kind,
      what,
      doing: 'starting',
      done: 0,
      total: 0,
      unit: 'bytes',
      status: 'running',
      message: '',
    };
    this.#jobs.set(id, { state, actorId: actor.id, controller });
    this.#forget();
    const end: Job['end'] = (status, message = '') => {
      if (state.status !== 'running') return;
      Object.assign(state, { status, message });
      controller.abort();
    };
    return {
      id,
      signal: controller.signal,
      progress: (at) => void Object.assign(state, at),
      cancel: () => end('canceled'),
      end,
    };
  }

  /** null when there is no job with this id that this person may see */
  get(actor: Actor, id: string): JobState | null {
    const job = this.#jobs.get(id);
    return job && (job.actorId === actor.id || actor.role === 'admin') ? { ...job.state } : null;
  }

  /** The answer of a job that goes on without its client; null when there is none with this id that this person may see. */
  answer(actor: Actor, id: string): Promise<Answer> | null {
    return (this.get(actor, id) && this.#jobs.get(id)!.answer) ?? null;
  }

  keepAnswer(id: string, answer: Promise<Answer>): void {
    this.#jobs.get(id)!.answer = answer;
  }

  /** Ends the job without waiting: the working code removes its unfinished files. */
  cancel(actor: Actor, id: string): JobState | null {
    const seen = this.get(actor, id);
    if (seen?.status !== 'running') return seen;
    const { state, controller } = this.#jobs.get(id)!;
    state.status = 'canceled';
    controller.abort();
    return { ...state };
  }

  /** Cancels all jobs when the server ends. */
  cancelAll(): void {
    for (const { state, controller } of this.#jobs.values())
      if (state.status === 'running') {
        state.status = 'canceled';
        controller.abort();
      }
  }

  /** Returns the result of `work`; `idle` waits for it. */
  during<T>(work: Promise<T>): Promise<T> {
    const settled = work.catch(() => {}).finally(() => this.#working.delete(settled));
    this.#working.add(settled);
    return work;
  }

  /** Resolves when canceled jobs have removed their unfinished files. */
  async idle(): Promise<void> {
    await Promise.all(this.#working);
  }

  #forget(): void {
    const ended = [...this.#jobs].filter(([, { state }]) => state.status !== 'running');
    for (const [id] of ended.slice(0, Math.max(0, ended.length - kept))) this.#jobs.delete(id);
  }
}
