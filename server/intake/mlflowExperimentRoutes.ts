/** MLflow's requests about experiments. */
import { z } from 'zod';
import type { Route } from '~/server/base/route';
import type { Experiments } from './mlflowExperiments';
import type { Endpoint } from './mlflowRoute';
import { experimentAttributes, filterOf, orderOf, pageOf, searched } from './mlflowSearch';
import { pair } from './mlflowValues';

export const experimentRoutes = (at: Endpoint, experiments: Experiments): Route[] => [
  at('POST', 'experiments/create', z.object({ name: z.string(), tags: z.array(pair).default([]) }), async ({ name, tags }) => ({
    experiment_id: await experiments.create(name, tags),
  })),
  at('GET', 'experiments/get', z.object({ experiment_id: z.string() }), async (wish) => ({
    experiment: await experiments.get(wish.experiment_id),
  })),
  at('GET', 'experiments/get-by-name', z.object({ experiment_name: z.string() }), async (wish) => ({
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
    z.object({ experiment_id: z.string(), ...pair.shape }),
    async ({ experiment_id, key, value }) => {
      await experiments.tag(experiment_id, key, value);
    },
  ),
];
