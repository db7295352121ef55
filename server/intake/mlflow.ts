/**
 * Intake 2: MLflow's REST interface (/api/2.0/mlflow), for MLflow's own client, and so for Lightning, transformers and all that
 * logs to MLflow. An experiment is a project, parameters are the config, tags are tags. Reading works for every run here,
 * whichever program logged it.
 */

import type { ServerResponse } from 'node:http';
import { nanoid } from 'nanoid';
import { z } from 'zod';
import { hashOf } from '~/server/base/hash';
import { sendJson } from '~/server/base/respond';
import type { KnownVisit, Method, Route } from '~/server/base/route';
import type { OpenHub } from '~/server/runs/hub';
import { withoutUnseen } from '~/shared/ids';
import type { Config } from '~/shared/setup';
import { ended, type RunView } from '~/shared/view';
import { parsed, RequestError, readBytes } from './body';
import { fileSample, MAX_FILE_BYTES } from './fileSample';
import type { Intake } from './intake';
import type { IntakeRun } from './intakeRun';
import { Experiments, exists, projectOf } from './mlflowExperiments';
import { experimentAttributes, type FoundRun, filterOf, orderOf } from './mlflowSearch';
import {
  asText,
  described,
  int64,
  jsonNumber,
  metric,
  metricEvents,
  newParams,
  ourStatus,
  runNameTag,
  setupEvent,
  statusOf,
  stepOf,
  tagsKey,
  tagsOf,
  time,
} from './mlflowValues';
import { given, jsonBody, routesOf } from './routes';

const errorCodes: Record<number, string> = {
  400: 'INVALID_PARAMETER_VALUE',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'RESOURCE_DOES_NOT_EXIST',
  405: 'ENDPOINT_NOT_FOUND',
  409: 'INVALID_STATE',
  413: 'REQUEST_LIMIT_EXCEEDED',
  429: 'REQUEST_LIMIT_EXCEEDED',
};
const noEndpoint = 'ENDPOINT_NOT_FOUND';
const writeError = (response: ServerResponse, status: number, message: string, field: string | null) =>
  sendJson(response, status, {
    error_code: field === exists || field === noEndpoint ? field : (errorCodes[status] ?? 'INTERNAL_ERROR'),
    message,
  });

const text = z.string();
const pair = z.object({ key: z.string().min(1).max(250), value: z.string() });
const maxResults = int64.refine((n) => n > 0, 'give a whole number above 0');
const maxFound = int64.refine((n) => n > 0 && n <= 50_000, 'give a whole number from 1 to 50000').default(1000);
const pageToken = z.string().regex(/^(-?\d{1,16})?$/, 'give the next_page_token of the answer before');
const searched = z.object({
  filter: text.default(''),
  max_results: maxFound,
  order_by: z.preprocess((given) => (typeof given === 'string' ? [given] : given), z.array(text).default([])),
  page_token: pageToken.default('0'),
});
const ofRun = z.object({ run_id: text.optional(), run_uuid: text.optional() });

/** A page of what was found, and where the next one begins. */
function pageOf<T>(found: readonly T[], { max_results, page_token }: { max_results: number; page_token: string }) {
  const from = Number(page_token);
  const to = from + max_results;
  return { part: found.slice(from, to), ...(to < found.length && { next_page_token: String(to) }) };
}

export function mlflowRoutes(intake: Intake, hub: OpenHub): Route[] {
  const route = routesOf(intake, writeError);
  const experiments = new Experiments(intake, hub);
  const { store, blobs } = intake.deps;

  const at = <T>(
    method: Method | readonly Method[],
    path: string,
    schema: z.ZodType<T>,
    answer: (wish: T, visit: KnownVisit, raw: string) => unknown,
  ) =>
    route(method, `/api/2.0/mlflow/${path}`, async (visit, body) => {
      const raw = visit.request.method === 'GET' ? '' : await body();
      const given = raw === '' ? queryOf(visit.url) : await jsonBody(async () => raw);
      return answer(parsed(schema, given), visit, raw);
    });

  const viewOf = async ({ run_id, run_uuid }: z.infer<typeof ofRun>): Promise<RunView> => {
    const id = run_id || run_uuid;
    if (!id) throw new RequestError(400, 'run_id: it is missing; give the id of a run');
    const view = await hub.view(id);
    if (!view) throw new RequestError(404, `run_id: there is no run ${id}`);
    return view;
  };

  /**
   * Appends events to a run. One that people have stopped is refused, which ends the program; one that the program itself has
   * ended is reopened only for these events.
   */
  async function say(wish: z.infer<typeof ofRun>, id: string | null, make: Parameters<IntakeRun['say']>[1]): Promise<object> {
    const { runId } = await viewOf(wish);
    const run = given(await intake.find('mlflow', runId));
    if (await run.stopAsked()) {
      await run.stopped();
      const { statusMessage } = await run.view();
      throw new RequestError(400, `run ${runId} was ${statusMessage || 'stopped'}: end the program`);
    }
    const { status, statusMessage } = await run.view();
    if (status !== 'finished' && status !== 'failed') {
      given(await run.say(id, make));
      return {};
    }
    if (id !== null && (await run.requests.done(await run.room(), id))) return {};
    given((await run.reopen()) ?? {});
    try {
      given(await run.say(id, make));
    } finally {
      await run.say(null, ({ view }) => [{ type: 'status', status, step: view.step, message: statusMessage }]);
    }
    return {};
  }

  /** A run in MLflow's form, with the newest value of each metric. */
  async function runOf(view: RunView): Promise<FoundRun> {
    const { series } = await store.series({ runId: view.runId, search: null, skip: 0, limit: 10_000 });
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
    const experimentId = await experiments.idOf(setup.project);
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

  const shown = ({ data, ...run }: FoundRun) => ({
    ...run,
    data: { ...data, metrics: data.metrics.map((m) => ({ ...m, value: jsonNumber(m.value) })) },
  });

  const routes = [
    at('POST', 'experiments/create', z.object({ name: text, tags: z.array(pair).default([]) }), async ({ name, tags }) => ({
      experiment_id: await experiments.create(name, tags),
    })),
    at('GET', 'experiments/get', z.object({ experiment_id: text }), async (wish) => ({
      experiment: await experiments.get(wish.experiment_id),
    })),
    at('GET', 'experiments/get-by-name', z.object({ experiment_name: text }), async (wish) => ({
      experiment: await experiments.byName(wish.experiment_name),
    })),
    at(['GET', 'POST'], 'experiments/search', searched, async ({ filter, order_by, ...page }) => {
      const fits = filterOf(filter, experimentAttributes);
      const order = orderOf(order_by, experimentAttributes, 'creation_time');
      const all = (await experiments.all()).map((shown) => {
        const { tags, ...info } = shown;
        return { shown, info, data: { metrics: [], params: [], tags } };
      });
      const { part, ...next } = pageOf(all.filter(fits).sort(order), page);
      return { experiments: part.map((e) => e.shown), ...next };
    }),
    at(
      'POST',
      'experiments/set-experiment-tag',
      z.object({ experiment_id: text, ...pair.shape }),
      async ({ experiment_id, key, value }) => {
        await experiments.tag(experiment_id, key, value);
      },
    ),

    at(
      'POST',
      'runs/create',
      z.object({
        experiment_id: text.default('0'),
        run_name: text.default(''),
        user_id: text.optional(),
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
        return { run: shown(await runOf(await opened.run.view())) };
      },
    ),
    at('GET', 'runs/get', ofRun, async (wish) => ({ run: shown(await runOf(await viewOf(wish))) })),
    at(
      'POST',
      'runs/update',
      ofRun.extend({
        status: z.enum(['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']).optional(),
        run_name: text.optional(),
        end_time: time.optional(),
      }),
      async (wish) => {
        const view = await viewOf(wish);
        if (wish.run_name) await say(wish, null, () => [setupEvent(view, new Map([[runNameTag, wish.run_name!]]))]);
        if (wish.status) {
          const run = given(await intake.find('mlflow', view.runId));
          const to = ourStatus[wish.status];
          // A run that people have stopped stays stopped, whatever status its program sends at its end.
          if (await run.stopAsked()) await run.stopped();
          else if (to === null) given(ended(view.status) ? ((await run.reopen()) ?? {}) : {});
          else if (!ended(view.status))
            given(await run.say(null, ({ view: { step } }) => [{ type: 'status', status: to, step }]));
        }
        return { run_info: (await runOf(await viewOf(wish))).info };
      },
    ),
    ...(['delete', 'restore'] as const).map((what) =>
      at('POST', `runs/${what}`, ofRun, async (wish, { actor }) => {
        const { runId, trashed, status } = await viewOf(wish);
        if (what === 'delete' && !ended(status))
          throw new RequestError(400, `run_id: run ${runId} is ${status}; end it before it is deleted`);
        const label = { type: 'run.labelled', actor, trashed: what === 'delete' } as const;
        given(await hub.decide(runId, () => (trashed === label.trashed ? [] : [label])));
      }),
    ),
    at('POST', 'runs/log-metric', ofRun.extend(metric.shape), (wish, _visit, raw) =>
      say(wish, idOf('log-metric', raw), (room) => metricEvents(room, [wish])),
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
        say(wish, wish.metrics.length > 0 ? idOf('log-batch', raw) : null, (room) => {
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
      say(wish, null, ({ view }) => [{ type: 'setup', config: newParams(view, [wish]) }]),
    ),
    at('POST', 'runs/set-tag', ofRun.extend(pair.shape), (wish) =>
      say(wish, null, ({ view }) => [setupEvent(view, new Map([[wish.key, wish.value]]))]),
    ),
    at('POST', 'runs/delete-tag', ofRun.extend({ key: text }), (wish) =>
      say(wish, null, ({ view }) => {
        if (!tagsOf(view).has(wish.key))
          throw new RequestError(404, `No tag with name: ${wish.key} in run with id ${view.runId}`);
        return [setupEvent(view, new Map([[wish.key, null]]))];
      }),
    ),
    // Data sets and models are also named in parameters and tags; no list of them is kept here.
    ...['runs/log-inputs', 'runs/log-model', 'runs/outputs'].map((path) =>
      at('POST', path, ofRun, async (wish) => void (await viewOf(wish))),
    ),

    at(
      'GET',
      'metrics/get-history',
      ofRun.extend({ metric_key: text, max_results: maxResults.default(25_000), page_token: pageToken.optional() }),
      async (wish) => {
        const { runId } = await viewOf(wish);
        const found = (await store.series({ runId, search: null, names: [wish.metric_key], skip: 0, limit: 1 })).series[0];
        if (!found) return { metrics: [] };
        const range = { runId, fromStep: Number(wish.page_token || -Number.MAX_SAFE_INTEGER), toStep: null };
        const { steps, times, values, more } = await store.rows({
          ...range,
          stream: found.stream,
          limit: Math.min(25_000, wish.max_results),
        });
        const own = await store.rows({ ...range, stream: stepOf(wish.metric_key), limit: steps.length });
        const asLogged = new Map([...own.steps].map((s, i) => [s, own.values[i]!]));
        const width = values.length / Math.max(1, steps.length);
        const metrics = [...steps].map((s, i) => ({
          key: wish.metric_key,
          value: jsonNumber(values[i * width + found.index]!),
          timestamp: Math.round(times[i]!),
          step: asLogged.get(s) ?? s,
        }));
        return { metrics, ...(more && { next_page_token: String(steps.at(-1)! + 1) }) };
      },
    ),
    at(
      'POST',
      'runs/search',
      searched.extend({
        experiment_ids: z.array(text).default([]),
        run_view_type: z.enum(['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL']).default('ACTIVE_ONLY'),
      }),
      async ({ experiment_ids, filter, run_view_type, order_by, ...page }) => {
        const projects = new Set(
          await Promise.all(experiment_ids.map(async (id) => projectOf((await experiments.get(id)).name))),
        );
        const fits = filterOf(filter);
        const order = orderOf(order_by);
        const found: FoundRun[] = [];
        for (const { runId, project } of hub.summaries()) {
          const view = projects.has(project) ? await hub.view(runId) : null;
          if (!view || (run_view_type !== 'ALL' && view.trashed !== (run_view_type === 'DELETED_ONLY'))) continue;
          const run = await runOf(view);
          if (fits(run)) found.push(run);
        }
        const { part, ...next } = pageOf(found.sort(order), page);
        return { runs: part.map(shown), ...next };
      },
    ),
    // A logged file: `mlflow-artifacts:/EXPERIMENT/RUN/artifacts/PATH` is its address for the client.
    route('PUT', '/api/2.0/mlflow-artifacts/artifacts/:experiment/:run/artifacts/*', async ({ params, request }) => {
      const bytes = await readBytes(request, MAX_FILE_BYTES);
      return say({ run_id: params.run! }, null, async ({ view }) => [await fileSample(blobs, params['*']!, bytes, view.step)]);
    }),
    at('GET', 'artifacts/list', ofRun.extend({ path: text.optional() }), async (wish) => ({
      root_uri: (await runOf(await viewOf(wish))).info.artifact_uri,
      files: [],
    })),
  ];
  const rest = route(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'], '/api/:version/mlflow/*', ({ url, request }) => {
    const known = routes.find(({ path }) => path === url.pathname);
    if (known) throw new RequestError(405, `${url.pathname} answers ${[known.method].flat().join(', ')}, not ${request.method}`);
    const has = "of MLflow's interface, this server has experiments, runs and their metrics";
    throw new RequestError(404, `there is nothing at ${url.pathname}: ${has}`, noEndpoint);
  });
  return [...routes, rest];
}

/** "a=1&b=2&b=3": b is a list. */
function queryOf({ searchParams }: URL): Config {
  return Object.fromEntries([...new Set(searchParams.keys())].map((key) => [key, searchParams.get(key)!]));
}

const idOf = (what: string, raw: string): string => hashOf(`${what} ${raw}`).slice(0, 32);
