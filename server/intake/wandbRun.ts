/** A run in the form of the wandb client, and events of what it sends about one. */

import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Room } from '~/server/runs/room';
import { withoutUnseen } from '~/shared/ids';
import { isObject } from '~/shared/own';
import type { Config } from '~/shared/setup';
import type { RunView } from '~/shared/view';
import { plain, RequestError, readJson } from './body';
import { stopAction } from './intakeRun';
import { lastStep, lastStepAfter, type Stream } from './wandbStream';

/** The entity of all runs, for the client's addresses. */
export const entity = 'headroom';

const text = z.string().nullish();

/** Cut to the length that it may have here, without invisible characters: refused, the client would not start. */
const cut = (most: number) => text.transform((given) => given && withoutUnseen(given).slice(0, most));

export const bucket = z.object({
  name: z.string().min(1).max(128),
  project: text,
  groupName: cut(128),
  displayName: cut(80),
  notes: text.transform((given) => given?.slice(0, 4000)),
  config: text,
  host: text,
  jobType: cut(64),
  tags: z
    .array(z.string().transform((tag) => withoutUnseen(tag).trim().slice(0, 40)))
    .nullish()
    .transform((tags) => tags && [...new Set(tags.filter((tag) => tag !== ''))].slice(0, 50)),
});

/** {"lr": {"value": 0.1}}: {"lr": 0.1} */
export function configOf(config: string | null | undefined): Record<string, unknown> {
  const given = config ? readJson(config) : {};
  if (!isObject(given)) throw new RequestError(400, 'config: a JSON object is needed', 'config');
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, plain(isObject(value) && 'value' in value ? value.value : value)]),
  );
}

/**
 * Metrics used as x axes: `_wandb.m` lists the definitions; field 1 is a name, 4 the name of its step metric, 5 its position in
 * the list (from 1).
 */
export function axesOf(own: Record<string, unknown>): string[] {
  const list = Array.isArray(own.m) ? own.m.filter(isObject) : [];
  return list.flatMap((m) => {
    const named = typeof m['4'] === 'string' ? m['4'] : list[Number(m['5']) - 1]?.['1'];
    return typeof named === 'string' ? [named] : [];
  });
}

export const softwareOf = (own: Record<string, unknown>): string =>
  [own.cli_version && `wandb ${own.cli_version}`, own.python_version && `Python ${own.python_version}`]
    .filter(Boolean)
    .join(', ');
/** The machine, once the client has sent it. */
function deviceOf(own: Record<string, unknown>): string {
  const writers = isObject(own.e) ? Object.values(own.e).filter(isObject) : [];
  const { gpu, gpu_count: gpus, cpu_count: cpus } = writers.at(-1) ?? {};
  return String(gpu ? `${Number(gpus) > 1 ? `${gpus} x ` : ''}${gpu}` : cpus ? `${cpus} CPU cores` : '').slice(0, 300);
}

/** The changes that the client sends about its run. */
export function changes(view: RunView, wish: z.infer<typeof bucket>, config: Config, own: Record<string, unknown>): unknown[] {
  const known = view.setup;
  const fresh = Object.entries(config).filter(
    ([name, value]) => !Object.hasOwn(known.config, name) || !isDeepStrictEqual(known.config[name], value),
  );
  const name = wish.displayName;
  const said = {
    ...(name && name !== known.name && { name }),
    ...(wish.notes && wish.notes !== known.notes && { notes: wish.notes }),
    ...(wish.tags && !isDeepStrictEqual(wish.tags, view.tags) && { tags: wish.tags }),
    ...(fresh.length > 0 && { config: Object.fromEntries(fresh) }),
  };
  const device = deviceOf(own);
  const started = {
    type: 'started',
    step: view.step,
    device: { device, software: softwareOf(own) },
    controls: { values: [], actions: [stopAction] },
  };
  return [
    ...(device && view.device?.device === '' ? [started] : []),
    ...(Object.keys(said).length > 0 ? [{ type: 'setup', ...said }] : []),
  ];
}

/** A run in the form in which the client reads it when it resumes. */
export function bucketOf(room: Room, name: string, project: string | null | undefined): object {
  const { view } = room;
  const { setup } = view;
  const last = { _step: lastStep(room), _runtime: Math.max(0, view.updatedAt - view.createdAt) / 1000 };
  return {
    id: view.runId,
    name,
    displayName: setup.name,
    description: null,
    notes: setup.notes ?? null,
    tags: view.tags,
    config: JSON.stringify(Object.fromEntries(Object.entries(setup.config).map(([key, value]) => [key, { value }]))),
    wandbConfig: '{"t": {}}',
    summaryMetrics: '{}',
    sweepName: null,
    historyLineCount: last._step + 1,
    eventsLineCount: 0,
    logLineCount: 0,
    historyTail: JSON.stringify(last._step >= 0 ? [JSON.stringify(last)] : []),
    eventsTail: '[]',
    project: { id: project ?? '', name: setup.project, entity: { id: entity, name: entity } },
  };
}

/** Values that the script itself put into the summary; newest values of series are left out. */
export function summaryEvents(room: Room, history: readonly unknown[], { summary }: Stream): unknown[] {
  const declared = new Set(history.map((e) => isObject(e) && e.stream));
  const rows = Object.entries(summary).flatMap(([name, value]) => {
    const simple = value === null || ['number', 'string', 'boolean'].includes(typeof value);
    const series = declared.has(name) || room.streams.owner(name) !== null;
    return name.startsWith('_') || series || !simple ? [] : [[name, plain(value)] as const];
  });
  if (rows.length === 0) return [];
  const table = { columns: ['name', 'value'], rows: rows.toSorted(([a], [b]) => (a < b ? -1 : 1)) };
  return [{ type: 'media', step: lastStepAfter(room, history) + 1, name: 'summary', kind: 'table', text: JSON.stringify(table) }];
}

/** @param printed the end of what the process has printed */
export function ending(step: number, exitcode: number, printed: string): unknown[] {
  if (exitcode === 0) return [{ type: 'status', status: 'finished', step }];
  const at = printed.lastIndexOf('Traceback (most recent call last)');
  const traceback = at < 0 ? undefined : printed.slice(at).slice(-16000);
  return [{ type: 'status', status: 'failed', step, message: `exit code ${exitcode}`, ...(traceback && { traceback }) }];
}
