import { nanoid } from 'nanoid';
import type { Actor } from '~/shared/ids';
import type { JobState } from '~/shared/jobs';

export type Progress = Pick<JobState, 'doing' | 'done' | 'total' | 'unit'>;

/** One piece of work, as the one who does it holds it. */
export interface Job {
  readonly id: string;
  /** Aborted when it is canceled, or by `end`. */
  readonly signal: AbortSignal;
  progress(at: Progress): void;
  /** Whoever waited for it is gone. */
  cancel(): void;
  /** The first call counts. */
  end(status: Exclude<JobState['status'], 'running'>, message?: string): void;
}

/** Ended jobs that can still be asked about. */
const kept = 200;

/** Exports and imports under way, and how the newest of them ended. Whoever began one, and admins, may follow and cancel it. */
export class Jobs {
  readonly #working = new Set<Promise<unknown>>();
  readonly #jobs = new Map<string, { state: JobState; actorId: string; controller: AbortController }>();

  /** @returns null when there is a job of this id already */
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

  /** null when there is none of that id that this person may see */
  get(actor: Actor, id: string): JobState | null {
    const job = this.#jobs.get(id);
    return job && (job.actorId === actor.id || actor.role === 'admin') ? { ...job.state } : null;
  }

  /** Ends it, and waits for nothing: what it leaves half done is taken away by whoever does it. */
  cancel(actor: Actor, id: string): JobState | null {
    const seen = this.get(actor, id);
    if (seen?.status !== 'running') return seen;
    const { state, controller } = this.#jobs.get(id)!;
    state.status = 'canceled';
    controller.abort();
    return { ...state };
  }

  /** The server ends: none of them goes on. */
  cancelAll(): void {
    for (const { state, controller } of this.#jobs.values())
      if (state.status === 'running') {
        state.status = 'canceled';
        controller.abort();
      }
  }

  /** Whatever `work` answers; `idle` waits for it. */
  during<T>(work: Promise<T>): Promise<T> {
    const settled = work.catch(() => {}).finally(() => this.#working.delete(settled));
    this.#working.add(settled);
    return work;
  }

  /** Resolves when what was canceled has taken its traces away. */
  async idle(): Promise<void> {
    await Promise.all(this.#working);
  }

  #forget(): void {
    const ended = [...this.#jobs].filter(([, { state }]) => state.status !== 'running');
    for (const [id] of ended.slice(0, Math.max(0, ended.length - kept))) this.#jobs.delete(id);
  }
}
