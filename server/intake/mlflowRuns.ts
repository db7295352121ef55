/** MLflow's runs: any run here in its form, and events for those that its client logs. */
import { z } from 'zod';
import type { OpenHub } from '~/server/runs/hub';
import { ended, type RunView } from '~/shared/view';
import { RequestError } from './body';
import type { Intake } from './intake';
import type { IntakeRun } from './intakeRun';
import type { Experiments, IdOf } from './mlflowExperiments';
import type { FoundRun } from './mlflowSearch';
import { asText, jsonNumber, statusOf, stepOf, tagsKey, tagsOf } from './mlflowValues';
import { given } from './routes';

/** The run that a request is about. */
export const ofRun = z.object({ run_id: z.string().optional(), run_uuid: z.string().optional() });

/** Note of a run that was reopened for some events, and whose end could not be written afterwards: the next request writes it. */
export const endKey = 'end';

export class MlflowRuns {
  constructor(
    private readonly intake: Intake,
    private readonly hub: OpenHub,
    private readonly experiments: Experiments,
  ) {}

  /** @throws RequestError when no run has the id */
  async view({ run_id, run_uuid }: z.infer<typeof ofRun>): Promise<RunView> {
    const id = run_id || run_uuid;
    if (!id) throw new RequestError(400, 'run_id: it is missing; give the id of a run');
    const view = await this.hub.view(id);
    if (!view) throw new RequestError(404, `run_id: there is no run ${id}`);
    return view;
  }

  /**
   * Appends events to a run. One that people have stopped is refused, which ends the program; one that the program itself has
   * ended is reopened only for these events.
   */
  async say(wish: z.infer<typeof ofRun>, id: string | null, make: Parameters<IntakeRun['say']>[1]): Promise<object> {
    const { runId } = await this.view(wish);
    const run = given(await this.intake.find('mlflow', runId));
    if (await run.stopAsked()) {
      await run.stopped();
      const { statusMessage } = await run.view();
      throw new RequestError(400, `run ${runId} was ${statusMessage || 'stopped'}: end the program`);
    }
    const { status, statusMessage: message } = await run.view();
    const again = status === 'finished' || status === 'failed';
    if (again && id !== null && (await run.requests.done(await run.room(), id))) return {};
    const end = again ? { type: 'status', status, message } : (run.notes.get(endKey) as object | undefined);
    try {
      if (again) given((await run.reopen()) ?? {});
      given(await run.say(id, make));
    } finally {
      if (end) {
        run.notes.set(endKey, end);
        await run.say(null, ({ view }) => [{ ...end, step: view.step }]);
        run.notes.delete(endKey);
      }
    }
    return {};
  }

  /**
   * A run in MLflow's form, with the newest value of each metric.
   *
   * @param idOf the experiments' `ids`, for a request about many runs; left out: asked for
   */
  async of(view: RunView, idOf?: IdOf): Promise<FoundRun> {
    const { series } = await this.intake.deps.store.series({ runId: view.runId, search: null, skip: 0, limit: 10_000 });
    const asLogged = new Map(series.map((s) => [s.name, s.latest]));
    const metrics = series.flatMap(({ name, latest }) => {
      if (!latest || name.startsWith(stepOf(''))) return [];
      const own = asLogged.get(stepOf(name));
      const step = own?.step === latest.step ? own.value : latest.step;
      return [{ key: name, value: latest.value, timestamp: Math.round(latest.at), step }];
    });
    const { setup } = view;
    const params = Object.entries(setup.config).flatMap(([key, value]) =>
      key === tagsKey ? [] : [{ key, value: asText(value) }],
    );
    const status = statusOf[view.status];
    const experimentId = (idOf ?? (await this.experiments.ids()))(setup.project);
    const info = {
      run_id: view.runId,
      run_uuid: view.runId,
      run_name: setup.name,
      experiment_id: experimentId,
      user_id: tagsOf(view).get('mlflow.user') ?? view.createdBy.name,
      status,
      start_time: view.startedAt ?? view.createdAt,
      ...(ended(view.status) && { end_time: view.updatedAt }),
      artifact_uri: `mlflow-artifacts:/${experimentId}/${view.runId}/artifacts`,
      lifecycle_stage: view.trashed ? 'deleted' : 'active',
    };
    return { info, data: { metrics, params, tags: [...tagsOf(view)].map(([key, value]) => ({ key, value })) }, inputs: {} };
  }
}

/** A run as JSON carries it: numbers that are not finite as MLflow writes them. */
export const shown = ({ data, ...run }: FoundRun) => ({
  ...run,
  data: { ...data, metrics: data.metrics.map((m) => ({ ...m, value: jsonNumber(m.value) })) },
});
