/**
 * Intake 2: MLflow's REST interface (/api/2.0/mlflow), for MLflow's own client, and so for Lightning, transformers and all that
 * logs to MLflow. An experiment is a project, parameters are the config, tags are tags. Reading works for every run here,
 * whichever program logged it.
 */

import { nanoid } from 'nanoid';
import { z } from 'zod';
import { hashOf } from '~/server/base/hash';
import { may } from '~/server/base/permissions';
import type { Route } from '~/server/base/route';
import type { OpenHub } from '~/server/runs/hub';
import { withoutUnseen } from '~/shared/ids';
import { ended, over } from '~/shared/view';
import { RequestError, readBytes } from './body';
import { fileSample, MAX_FILE_BYTES } from './fileSample';
import type { Intake } from './intake';
import { experimentRoutes } from './mlflowExperimentRoutes';
import { Experiments, projectOf } from './mlflowExperiments';
import { readingRoutes } from './mlflowReads';
import { endpointsOf, mlflowRoute, noEndpoint } from './mlflowRoute';
import { endKey, MlflowRuns, ofRun, shown } from './mlflowRuns';
import {
  described,
  metric,
  metricEvents,
  newParams,
  ourStatus,
  pair,
  runNameTag,
  setupEvent,
  tagsOf,
  time,
} from './mlflowValues';
import { given } from './routes';
import { wayOf } from './ways';

export function mlflowRoutes(intake: Intake, hub: OpenHub): Route[] {
  const route = mlflowRoute(intake);
  const at = endpointsOf(route);
  const experiments = new Experiments(intake, hub);
  const runs = new MlflowRuns(intake, hub, experiments);
  const { blobs } = intake.deps;

  const routes = [
    ...experimentRoutes(at, experiments),
    ...readingRoutes(at, intake, hub, experiments, runs),
    at(
      'POST',
      'runs/create',
      z.object({
        experiment_id: z.string().default('0'),
        run_name: z.string().default(''),
        user_id: z.string().optional(),
        start_time: time.optional(),
        tags: z.array(pair).default([]),
      }),
      async ({ experiment_id, run_name, user_id, tags }, { actor, request }) => {
        const { name: project } = await experiments.get(experiment_id);
        const all = new Map(tags.map(({ key, value }) => [key, value]));
        const name = run_name || all.get(runNameTag) || `run ${nanoid(6)}`;
        if (user_id && !all.has('mlflow.user')) all.set('mlflow.user', user_id);
        const { config = {}, tags: short = [], notes } = described(all.set(runNameTag, name), {});
        const setup = {
          name: withoutUnseen(name).slice(0, 80),
          project: projectOf(project),
          tags: short,
          config,
          recipe: null,
          ...(notes !== undefined && { notes }),
        };
        const software = all.get('mlflow.source.name');
        const started = { device: { device: '', ...(software && { software: software.slice(0, 300) }) } };
        const opened = given(
          await intake.open(
            'mlflow',
            actor,
            request.socket.remoteAddress ?? '',
            { key: `mlflow-${nanoid()}`, setup, resume: 'never' },
            { started },
          ),
        );
        return { run: shown(await runs.of(await opened.run.view())) };
      },
    ),
    at(
      'POST',
      'runs/update',
      ofRun.extend({
        status: z.enum(['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']).optional(),
        run_name: z.string().optional(),
        end_time: time.optional(),
      }),
      async (wish) => {
        const view = await runs.view(wish);
        if (wish.run_name) await runs.say(wish, null, () => [setupEvent(view, new Map([[runNameTag, wish.run_name!]]))]);
        if (wish.status) {
          const run = given(await intake.find('mlflow', view.runId));
          const to = ourStatus[wish.status];
          run.notes.delete(endKey);
          // A run that people have stopped stays stopped, whatever status its program sends at its end.
          if (await run.stopAsked()) await run.stopped();
          else if (to === null) given(ended(view.status) ? ((await run.reopen()) ?? {}) : {});
          else if (!over(view.status)) given(await run.say(null, ({ view: { step } }) => [{ type: 'status', status: to, step }]));
        }
        return { run_info: (await runs.of(await runs.view(wish))).info };
      },
    ),
    ...(['delete', 'restore'] as const).map((what) =>
      at('POST', `runs/${what}`, ofRun, async (wish, { actor }) => {
        const { runId, trashed, status, trainer } = await runs.view(wish);
        // As for all that is written: who may log here may do it to what MLflow's client logged; other runs are for those who may delete.
        if (wayOf(trainer?.id ?? '') !== 'mlflow' && !may(actor, 'delete runs'))
          throw new RequestError(
            403,
            `run_id: ${actor.name} (${actor.role}) may not ${what} run ${runId}: MLflow's client did not log it`,
          );
        if (what === 'delete' && !ended(status))
          throw new RequestError(400, `run_id: run ${runId} is ${status}; end it before it is deleted`);
        const label = { type: 'run.labelled', actor, trashed: what === 'delete' } as const;
        given(await hub.decide(runId, () => (trashed === label.trashed ? [] : [label])));
      }),
    ),
    at('POST', 'runs/log-metric', ofRun.extend(metric.shape), (wish, _visit, raw) =>
      runs.say(wish, idOf('log-metric', raw), (room) => metricEvents(room, [wish])),
    ),
    at(
      'POST',
      'runs/log-batch',
      ofRun.extend({
        metrics: z.array(metric).max(1000).default([]),
        params: z.array(pair).max(100).default([]),
        tags: z.array(pair).max(100).default([]),
      }),
      (wish, _visit, raw) =>
        runs.say(wish, wish.metrics.length > 0 ? idOf('log-batch', raw) : null, (room) => {
          const rows = metricEvents(room, wish.metrics);
          if ('ok' in rows) return rows;
          const config = newParams(room.view, wish.params);
          const setup =
            wish.params.length + wish.tags.length > 0
              ? [setupEvent(room.view, new Map(wish.tags.map((t) => [t.key, t.value])), config)]
              : [];
          return [...setup, ...rows];
        }),
    ),
    at('POST', 'runs/log-parameter', ofRun.extend(pair.shape), (wish) =>
      runs.say(wish, null, ({ view }) => [{ type: 'setup', config: newParams(view, [wish]) }]),
    ),
    at('POST', 'runs/set-tag', ofRun.extend(pair.shape), (wish) =>
      runs.say(wish, null, ({ view }) => [setupEvent(view, new Map([[wish.key, wish.value]]))]),
    ),
    at('POST', 'runs/delete-tag', ofRun.extend({ key: z.string() }), (wish) =>
      runs.say(wish, null, ({ view }) => {
        if (!tagsOf(view).has(wish.key))
          throw new RequestError(404, `No tag with name: ${wish.key} in run with id ${view.runId}`);
        return [setupEvent(view, new Map([[wish.key, null]]))];
      }),
    ),
    // Data sets and models are also named in parameters and tags; no list of them is kept here.
    ...['runs/log-inputs', 'runs/log-model', 'runs/outputs'].map((path) =>
      at('POST', path, ofRun, async (wish) => void (await runs.view(wish))),
    ),

    // A logged file: `mlflow-artifacts:/EXPERIMENT/RUN/artifacts/PATH` is its address for the client.
    route('PUT', '/api/2.0/mlflow-artifacts/artifacts/:experiment/:run/artifacts/*', async ({ params, request }) => {
      const bytes = await readBytes(request, MAX_FILE_BYTES);
      return runs.say({ run_id: params.run! }, null, async ({ view }) => [
        await fileSample(blobs, params['*']!, bytes, view.step),
      ]);
    }),
    // The client lists the files of a run before it adds rows to a table that it may have logged before: none can be read back.
    route('GET', '/api/2.0/mlflow-artifacts/artifacts', async ({ url }) => {
      const path = url.searchParams.get('path') ?? '';
      const [, run] = /^[^/]+\/([^/]+)\/artifacts(?:\/|$)/.exec(path) ?? [];
      if (run === undefined) throw new RequestError(404, `path: give EXPERIMENT/RUN/artifacts, not "${path.slice(0, 200)}"`);
      await runs.view({ run_id: run });
      return { files: [] };
    }),
  ];
  const rest = route(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'], '/api/:version/mlflow/*', ({ url, request }) => {
    const known = routes.find(({ path }) => path === url.pathname);
    if (known) throw new RequestError(405, `${url.pathname} answers ${[known.method].flat().join(', ')}, not ${request.method}`);
    const has = "of MLflow's interface, this server has experiments, runs and their metrics";
    throw new RequestError(404, `there is nothing at ${url.pathname}: ${has}`, noEndpoint);
  });
  return [...routes, rest];
}

const idOf = (what: string, raw: string): string => hashOf(`${what} ${raw}`).slice(0, 32);
