import { nanoid } from 'nanoid';
import { atBase } from '~/app/_live/base';
import { reach, refusalOf } from '~/app/_live/reach';
import { api } from '~/app/_trpc/client';
import type { ImportChoices, ImportPlan, ImportResult } from '~/shared/imports';
import { answerOfJob, JOB_WAIT_S, type JobState } from '~/shared/jobs';
import type { ChosenFile } from './dropped';

export interface Progress {
  doing: string;
  done: number;
  /** 0 = not known. */
  total: number;
  unit: JobState['unit'] | 'files';
}

/** One import on the server: sends the files, gets a plan, and writes the wanted runs. `signal` aborts requests in progress. */
export class OpenImport {
  private constructor(
    private readonly id: string,
    private readonly signal: AbortSignal,
  ) {}

  /** @throws Error with the server's message */
  static async begin(files: readonly ChosenFile[], signal: AbortSignal, report: (at: Progress) => void): Promise<OpenImport> {
    const { id } = (await ask('/api/imports', { method: 'POST', signal })) as { id: string };
    const open = new OpenImport(id, signal);
    try {
      for (const [i, { file, path }] of files.entries()) {
        report({ doing: `sending ${path}`, done: i, total: files.length, unit: 'files' });
        await ask(`/api/imports/${id}/files?path=${encodeURIComponent(path)}`, { method: 'PUT', body: file, signal });
      }
    } catch (error) {
      open.end();
      throw error;
    }
    return open;
  }

  plan(choices: ImportChoices, report: (at: Progress) => void): Promise<ImportPlan> {
    return this.#follow('plan', choices, report) as Promise<ImportPlan>;
  }

  write(choices: ImportChoices, report: (at: Progress) => void): Promise<ImportResult> {
    return this.#follow('runs', choices, report) as Promise<ImportResult>;
  }

  /** Makes the server delete the files. */
  end(): void {
    void ask(`/api/imports/${this.id}`, { method: 'DELETE' }).catch(() => {});
  }

  async #follow(part: string, choices: ImportChoices, report: (at: Progress) => void): Promise<unknown> {
    const job = nanoid();
    const timer = setInterval(() => {
      api.jobs.get
        .query({ id: job })
        .then((at) => at && report(at))
        .catch(() => {});
    }, 300);
    try {
      const request = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(choices),
        signal: this.signal,
      };
      return await answered(
        await answerOfJob(
          () => reach(atBase(`/api/imports/${this.id}/${part}?job=${job}&wait=${JOB_WAIT_S}`), request),
          () => new Promise((resolve) => setTimeout(resolve, 1000)),
        ),
      );
    } finally {
      clearInterval(timer);
    }
  }
}

const ask = async (address: string, init: RequestInit): Promise<unknown> => answered(await reach(atBase(address), init));

async function answered(answer: Response): Promise<unknown> {
  if (!answer.ok) throw await refusalOf(answer);
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}
