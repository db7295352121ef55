/** Tasks of a trainer process at its start. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type BackendName, backendNames, backends } from '~/shared/backends';
import type { JsonSchema, RecipeSpec } from '~/shared/recipes';
import type { OpenedBackend } from '~/trainer/backends/types';

/** Backends that a run of this process cannot use, and why. It can use its chosen backend and, if the choice was free, those that `npm install` brings. */
export function passedOver(
  setting: 'auto' | BackendName,
  { name: opened, tried }: Pick<OpenedBackend, 'name' | 'tried'>,
): Choice[] {
  return backendNames
    .filter((name) => name !== opened)
    .map((name) => ({ name, failed: tried.find(({ backend }) => backend === name)?.reason }))
    .filter(({ name, failed }) => failed !== undefined || setting !== 'auto' || !backends[name].ready)
    .map(({ name, failed }) => ({
      value: name,
      reason:
        setting === 'auto'
          ? (failed ?? `this trainer computes with ${opened}`)
          : `this trainer was started with HEADROOM_BACKEND=${setting}`,
      help: backends[name].help,
    }));
}

type Choice = NonNullable<JsonSchema['x-disabled']>[number];

/** Recipes whose field `backend` says which choices cannot work here. */
export function withoutBackends(specs: readonly RecipeSpec[], disabled: Choice[]): RecipeSpec[] {
  return specs.map((spec) => {
    const { properties } = spec.schema;
    const backend = properties?.backend;
    if (!backend || disabled.length === 0) return spec;
    return {
      ...spec,
      schema: { ...spec.schema, properties: { ...properties, backend: { ...backend, 'x-disabled': disabled } } },
    };
  });
}

/** Removes the spools (folders `<pid>-<trainerId>`) of processes that were killed: their runs continued from a checkpoint as another attempt. */
export function sweepSpools(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = Number(/^(\d+)-/.exec(name)?.[1]);
    if (Number.isInteger(pid) && pid > 0 && !alive(pid)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
