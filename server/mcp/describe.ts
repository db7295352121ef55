/** Runs and recipes as an agent reads them. */
import { own } from '~/shared/own';
import { fieldsOf, fits } from '~/shared/recipeFields';
import type { KnownRecipe } from '~/shared/recipes';
import { revertAction } from '~/shared/revert';
import { latestOf, seriesOf } from '~/shared/streams';
import type { ListItems, ListKind, RunView } from '~/shared/view';
import type { HeadroomClient } from './client';

/** Actions that the server carries out itself, in the form of the trainer's declarations. */
const serverAction = {
  name: revertAction,
  label: 'Revert',
  help: 'Takes the run back to one of its checkpoints; what came after it is replaced, and the changes made since are undone. Give the step of a checkpoint, or its hash.',
  args: ['step', 'checkpoint'],
};

/** A recipe for an agent: a list of its settings instead of a schema. */
export function describeRecipe({ name, title, summary, schema, presets, trainers }: KnownRecipe) {
  return {
    name,
    title,
    summary,
    trainers,
    presets: presets.map((p) => ({ name: p.name, title: p.title })),
    settings: fieldsOf(schema).map((field) => {
      const { 'x-unit': unit, 'x-usual': usual, 'x-source': source } = field.annotations;
      const off = field.choices.filter((c) => c.disabled).map((c) => ({ value: c.value, ...c.disabled! }));
      return {
        path: field.path,
        title: field.title,
        ...(field.description && { description: field.description }),
        takes: fits(schema, field),
        ...(field.default !== undefined && { default: field.default }),
        ...(unit !== undefined && { unit }),
        ...(usual !== undefined && { usual }),
        ...(source !== undefined && { source }),
        ...(off.length > 0 && { notHere: off }),
      };
    }),
  };
}

/** A summary of a run; of long lists only the newest items. */
export async function describeRun(client: HeadroomClient, view: RunView) {
  const { runId } = view;
  const newest = async <K extends ListKind>(kind: K, limit: number) =>
    (await client.runs.items.query({ runId, kind, limit })) as ListItems[K][];
  return {
    runId: view.runId,
    setup: view.setup,
    status: view.status,
    statusMessage: view.statusMessage,
    step: view.step,
    totalSteps: view.totalSteps,
    device: view.device,
    series: seriesOf(view)
      .filter((s) => s.role !== 'gradNormOf')
      .map((s) => ({ ...s, latest: latestOf(view, s.name) })),
    /** For the whole run; series not listed here are found with list_series. */
    seriesCount: view.columnCount,
    controls: view.controls.values.map((c) => ({ ...c, value: own(view.values, c.name)?.value ?? null })),
    actions: [...view.controls.actions, serverAction],
    counts: Object.fromEntries(Object.entries(view.counts).map(([kind, { count }]) => [kind, count])),
    evaluations: await newest('evaluations', 20),
    alerts: await newest('alerts', 20),
    notes: await newest('notes', 50),
    snapshotSteps: (await newest('snapshots', 200)).map((s) => s.step),
    checkpoints: (await newest('checkpoints', 50)).map((c) => ({ step: c.step, hash: c.blob.hash })),
    commands: await newest('commands', 20),
  };
}
