import type { Store } from '~/server/store';
import type { KnownRecipe } from '~/shared/recipes';
import type { RunSetup } from '~/shared/setup';

/** The first runs of a new server: one for each preset that its recipe declares as a demonstration, in the trainer's order. */
export function firstRuns(recipes: readonly KnownRecipe[]): RunSetup[] {
  return recipes.flatMap(({ name, title, presets }) => {
    const demos = presets.filter((p) => p.demo);
    return demos.map((preset) => ({
      name: (demos.length > 1 ? `${title}: ${preset.title}` : title).slice(0, 80),
      project: 'default',
      tags: [],
      recipe: { name, trainer: null },
      config: preset.config,
    }));
  });
}

const settingKey = 'runs.first';

/**
 * Starts the first runs on a server that never held a run, as soon as a trainer declares recipes with demonstrations; only once
 * per data folder.
 *
 * @returns stop
 */
export function startFirstRuns(deps: {
  store: Pick<Store, 'setting' | 'setSetting'>;
  recipes: { list(): KnownRecipe[]; onDeclared(listener: () => void): () => void };
  /** Number of existing runs. */
  runs(): number;
  create(setup: RunSetup): Promise<unknown>;
  onError(error: unknown): void;
}): () => void {
  const { store, recipes, onError } = deps;
  let busy = false;
  const look = async () => {
    const setups = firstRuns(recipes.list());
    if (busy || setups.length === 0) return;
    busy = true;
    try {
      const asked = (await store.setting(settingKey)) !== null;
      if (!asked && deps.runs() === 0) {
        for (const setup of setups) await deps.create(setup);
      }
      if (!asked) await store.setSetting(settingKey, 'started');
      stop();
    } finally {
      busy = false;
    }
  };
  const stop = recipes.onDeclared(() => void look().catch(onError));
  return stop;
}
