/** MLflow's requests that read runs: every run here, whichever program logged it. */
import { z } from 'zod';
import type { Route } from '~/server/base/route';
import type { OpenHub } from '~/server/runs/hub';
import type { Intake } from './intake';
import type { Experiments } from './mlflowExperiments';
import type { Endpoint } from './mlflowRoute';
import { type MlflowRuns, ofRun, shown } from './mlflowRuns';
import { type FoundRun, filterOf, orderOf, pageOf, pageToken, searched } from './mlflowSearch';
import { int64, jsonNumber, stepOf } from './mlflowValues';

const maxResults = int64.refine((n) => n > 0, 'give a whole number above 0');

export const readingRoutes = (
  at: Endpoint,
  { deps: { store } }: Intake,
  hub: OpenHub,
  experiments: Experiments,
  runs: MlflowRuns,
): Route[] => [
  at('GET', 'runs/get', ofRun, async (wish) => ({ run: shown(await runs.of(await runs.view(wish))) })),
  at(
    'GET',
    'metrics/get-history',
    ofRun.extend({ metric_key: z.string(), max_results: maxResults.default(25_000), page_token: pageToken.optional() }),
    async (wish) => {
      const { runId } = await runs.view(wish);
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
      experiment_ids: z.array(z.string()).default([]),
      run_view_type: z.enum(['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL']).default('ACTIVE_ONLY'),
    }),
    async ({ experiment_ids, filter, run_view_type, order_by, ...page }) => {
      const projects = await experiments.projects(experiment_ids);
      const idOf = await experiments.ids();
      const fits = filterOf(filter);
      const order = orderOf(order_by);
      const found: FoundRun[] = [];
      for (const { runId, project } of hub.summaries()) {
        const view = projects.has(project) ? await hub.view(runId) : null;
        if (!view || (run_view_type !== 'ALL' && view.trashed !== (run_view_type === 'DELETED_ONLY'))) continue;
        const run = await runs.of(view, idOf);
        if (fits(run)) found.push(run);
      }
      const { part, ...next } = pageOf(found.sort(order), page);
      return { runs: part.map(shown), ...next };
    },
  ),
  at('GET', 'artifacts/list', ofRun.extend({ path: z.string().optional() }), async (wish) => ({
    root_uri: (await runs.of(await runs.view(wish))).info.artifact_uri,
    files: [],
  })),
];
