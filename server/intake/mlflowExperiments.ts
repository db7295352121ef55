/** MLflow's experiments: here they are the projects of the runs, with an id and tags of their own. */
import { serial } from '~/server/base/serial';
import type { OpenHub } from '~/server/runs/hub';
import { unseenIn } from '~/shared/ids';
import { RequestError } from './body';
import type { Intake } from './intake';

/** The error for a name that is taken. */
export const exists = 'RESOURCE_ALREADY_EXISTS';

export const projectOf = (experiment: string): string => (experiment === 'Default' ? 'default' : experiment);
const experimentOf = (project: string): string => (project === 'default' ? 'Default' : project);

interface Experiment {
  name: string;
  created: number;
  tags: Record<string, string>;
}

export type IdOf = (project: string) => string;

/** Experiments are the projects of the runs; MLflow gives each an id, and can create one before it has a run. */
export class Experiments {
  readonly #turn = serial();

  constructor(
    private readonly intake: Intake,
    private readonly hub: OpenHub,
  ) {}

  /** @returns the result of `change` for all experiments, including projects of runs from other protocols */
  #all<T>(change: (all: Experiment[]) => T): Promise<T> {
    return this.#turn(async () => {
      const { store, clock } = this.intake.deps;
      const before = (await store.setting('mlflow.experiments')) ?? '[]';
      const all = JSON.parse(before) as Experiment[];
      const names = new Set(all.map((e) => e.name));
      const add = (name: string, created: number) => {
        if (!names.has(name)) all.push({ name, created, tags: {} });
        names.add(name);
      };
      add('Default', clock.now());
      for (const { project, createdAt } of this.hub.summaries().toReversed()) add(experimentOf(project), createdAt);
      const result = change(all);
      const after = JSON.stringify(all);
      if (after !== before) await store.setSetting('mlflow.experiments', after);
      return result;
    });
  }

  create(name: string, tags: { key: string; value: string }[]): Promise<string> {
    if (name.trim() !== name || name.length < 1 || name.length > 80)
      throw new RequestError(
        400,
        `name: an experiment is a project here: 1 to 80 characters, got ${JSON.stringify(name.slice(0, 100))}`,
      );
    const unseen = unseenIn(name);
    if (unseen !== null) throw new RequestError(400, `name: ${unseen}`);
    return this.#all((all) => {
      if (all.some((e) => e.name === name)) throw new RequestError(400, `Experiment '${name}' already exists.`, exists);
      const named = Object.fromEntries(tags.map(({ key, value }) => [key, value]));
      return String(all.push({ name, created: this.intake.deps.clock.now(), tags: named }) - 1);
    });
  }

  /** The ids of the projects as of now: one look for many runs. */
  ids(): Promise<IdOf> {
    return this.#all((all) => {
      const ids = new Map(all.map((e, id) => [e.name, String(id)]));
      return (project) => ids.get(experimentOf(project)) ?? '-1';
    });
  }

  /** The projects of these experiments. @throws RequestError when there is none with one of the ids */
  projects(ids: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#all((all) => new Set(ids.map((id) => projectOf(known(all, id).name))));
  }

  get(id: string) {
    return this.#all((all) => shownExperiment(known(all, id), Number(id)));
  }

  byName(name: string) {
    return this.#all((all) => {
      const at = all.findIndex((e) => e.name === name);
      if (at < 0) throw new RequestError(404, `Could not find experiment with name '${name}'`);
      return shownExperiment(all[at]!, at);
    });
  }

  all() {
    return this.#all((all) => all.map(shownExperiment));
  }

  tag(id: string, key: string, value: string): Promise<void> {
    return this.#all((all) => {
      const experiment = known(all, id);
      experiment.tags = { ...experiment.tags, [key]: value };
    });
  }
}

function known(all: readonly Experiment[], id: string): Experiment {
  const found = /^\d+$/.test(id) ? all[Number(id)] : undefined;
  if (!found) throw new RequestError(404, `Could not find experiment with ID ${id}`);
  return found;
}

const shownExperiment = ({ name, created, tags }: Experiment, id: number) => ({
  experiment_id: String(id),
  name,
  artifact_location: `mlflow-artifacts:/${id}`,
  lifecycle_stage: 'active',
  creation_time: created,
  last_update_time: created,
  tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
});
