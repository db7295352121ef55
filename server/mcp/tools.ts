import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { nanoid } from 'nanoid';
import { z } from 'zod';
import { unzipped } from '~/server/base/unzipped';
import { version } from '~/server/base/version';
import { answerAt, answerText, axisOf, labelText, mapOf, parseAttentionSnapshot, targetAt } from '~/shared/attentionSnapshot';
import { type Command, condition } from '~/shared/commands';
import { controlValue } from '~/shared/controls';
import { blobHash, runId, step } from '~/shared/ids';
import { isObject, own } from '~/shared/own';
import { branchRun, createRun } from '~/shared/protocol';
import { fieldsOf, fits } from '~/shared/recipeFields';
import type { KnownRecipe } from '~/shared/recipes';
import { revertAction } from '~/shared/revert';
import type { Config } from '~/shared/setup';
import { latestOf, seriesOf } from '~/shared/streams';
import type { CommandRecord, ListItems, ListKind, RunView } from '~/shared/view';
import { type HeadroomClient, readBlob, type Server } from './client';

export interface ToolHost {
  server: Server;
  client: HeadroomClient;
  /** Resolves after `ms`. */
  pause(ms: number): Promise<void>;
}

/** An answer as JSON text that an agent can read: arrays of numbers as lists, NaN and infinities as texts. */
const answer = (value: unknown) => ({ content: [{ type: 'text' as const, text: JSON.stringify(value, readable) }] });
const readable = (_key: string, value: unknown): unknown =>
  ArrayBuffer.isView(value)
    ? Array.from(value as Float64Array)
    : typeof value === 'number' && !Number.isFinite(value)
      ? String(value)
      : value;

/** The tools of an agent, which has its token's role. The server enforces roles, the control lock, approval and audit. */
export function createMcpServer(host: ToolHost): McpServer {
  const { client } = host;
  const mcp = new McpServer({ name: 'headroom', version });

  mcp.registerTool(
    'list_runs',
    { description: 'Every training run, newest first: status, step, loss, accuracy.', annotations: { readOnlyHint: true } },
    async () => answer(await client.runs.list.query()),
  );

  mcp.registerTool(
    'get_run',
    {
      description:
        'One run: config, status, current control values and what they accept, actions, newest metrics, evaluations, alerts, notes, and the last commands.',
      inputSchema: { runId },
      annotations: { readOnlyHint: true },
    },
    async (input) => answer(await describeRun(client, await client.runs.view.query(input))),
  );

  mcp.registerTool(
    'read_series',
    {
      description:
        'Series of a run (e.g. loss) from fromStep up to toStep (exclusive; null = newest): of each at most `buckets` points, in step order. A point holds the min, max and last of its rows, so no spike is lost; `step` is its first row, `rows` how many there are.',
      inputSchema: {
        runId,
        series: z.array(z.string()).min(1).max(100),
        fromStep: step.default(0),
        toStep: step.nullable().default(null),
        buckets: z.int().min(1).max(1000).default(100),
      },
      annotations: { readOnlyHint: true },
    },
    async (input) => {
      const range = await client.runs.range.query(input);
      const unknown = input.series.filter((name) => !range.series.some((s) => s.name === name));
      if (unknown.length > 0)
        throw new Error(`series: run ${input.runId} has no ${unknown.join(', ')}; list_series names those there are`);
      const series = range.series.map(({ name, bucketSteps, steps, rows, min, max, last }) => ({
        name,
        bucketSteps,
        points: Array.from(steps, (at, i) => ({ step: at, rows: rows[i], min: min[i], max: max[i], last: last[i] })),
      }));
      return answer({ headStep: range.headStep, series });
    },
  );

  mcp.registerTool(
    'list_series',
    {
      description:
        'Series of a run whose name holds a word (none = all), with unit, role and newest value; `skip` for the next page.',
      inputSchema: {
        runId,
        search: z.string().max(512).nullable().default(null),
        skip: z.int().min(0).default(0),
        limit: z.int().min(1).max(500).default(100),
      },
      annotations: { readOnlyHint: true },
    },
    async (input) => answer(await client.runs.series.query(input)),
  );

  mcp.registerTool(
    'read_attention_signals',
    {
      description:
        'Per-head signals (entropy, confidence, drift, ...) of every attention snapshot: steps, the shapes that occur, and per signal the values snapshot after snapshot, layer after layer.',
      inputSchema: { runId },
      annotations: { readOnlyHint: true },
    },
    async (input) => answer(await client.runs.signals.query(input)),
  );

  mcp.registerTool(
    'read_snapshot',
    {
      description:
        'The attention snapshot nearest to a step: labels of queries and keys, targets, predictions and scores of one probe example (what the run declares), and one head’s map [queries x keys]. Layer and head count from 0.',
      inputSchema: {
        runId,
        step,
        example: z.int().min(0).default(0),
        layer: z.int().min(0).default(0),
        head: z.int().min(0).default(0),
      },
      annotations: { readOnlyHint: true },
    },
    async ({ runId: id, step: wanted, example, layer, head }) => {
      const near = await client.runs.near.query({ runId: id, kind: 'snapshots', step: wanted, limit: 1 });
      const around = [...near.before, ...near.after] as ListItems['snapshots'][];
      const [nearest] = around.sort((a, b) => Math.abs(a.step - wanted) - Math.abs(b.step - wanted));
      if (!nearest) throw new Error(`run ${id} has no snapshot yet; request_command with action "snapshot" takes one`);
      const snapshot = parseAttentionSnapshot(await unzipped(await readBlob(host.server, nearest.blob.hash)));
      const { layers, examples } = snapshot;
      for (const [name, value, size] of [
        ['example', example, examples],
        ['layer', layer, layers.length],
        ['head', head, layers[layer]?.heads ?? 0],
      ] as const)
        if (value >= size) throw new Error(`${name}: ${value} is not below ${size}`);
      const { queries, keys } = layers[layer]!;
      const weights = mapOf(snapshot, example, layer, head);
      const labels = (side: 'queries' | 'keys') => {
        const axis = axisOf(snapshot, example, layer, side);
        return axis?.items.map((_, n) => labelText(snapshot, axis, n));
      };
      const answers = <T>(of: (place: number) => T) => Array.from({ length: snapshot.answers }, (_, place) => of(place));
      const text = (value: number | null) => (value === null ? null : answerText(snapshot, value));
      return answer({
        step: nearest.step,
        layers,
        causal: snapshot.causal,
        example: snapshot.exampleLabels[example]!.name ?? null,
        queries: labels('queries'),
        keys: labels('keys'),
        targets: snapshot.targets && answers((a) => text(targetAt(snapshot, example, a))),
        predictions: snapshot.predictions && answers((a) => text(answerAt(snapshot, example, a))),
        scores: snapshot.scores && [
          ...snapshot.scores.values.subarray(example * snapshot.scores.keys, (example + 1) * snapshot.scores.keys),
        ],
        map: Array.from({ length: queries }, (_, q) => [...weights.subarray(q * keys, (q + 1) * keys)]),
      });
    },
  );

  mcp.registerTool(
    'request_command',
    {
      description:
        'Change a control (control + value) or do an action (action + args) of a run. get_run lists what there is. Answers with the outcome: applied at which step, refused and why, or still waiting. `expected` = the value you saw: if somebody changed it since, it is refused as a conflict.',
      inputSchema: {
        runId,
        control: z.string().optional(),
        value: controlValue.optional(),
        expected: controlValue.optional(),
        action: z.string().optional(),
        args: z.record(z.string(), controlValue).optional(),
        when: condition.optional(),
        checkpoint: blobHash
          .optional()
          .describe('for actions that are questions: ask it of this checkpoint, also of a run that has ended'),
      },
      annotations: { destructiveHint: true },
    },
    async ({ runId: id, control, value, expected, action, args, when, checkpoint }) => {
      const ids = { id: nanoid(), runId: id, ...(when ? { when } : {}) };
      let command: Command;
      if (control !== undefined && value !== undefined && action === undefined)
        command = { kind: 'set', ...ids, control, value, ...(expected === undefined ? {} : { expected }) };
      else if (action !== undefined && control === undefined)
        command = { kind: 'act', ...ids, action, args: args ?? {}, ...(checkpoint ? { checkpoint } : {}) };
      else throw new Error('give either control and value, or action (and args)');
      const given = await client.runs.command.mutate(command);
      if (!given.ok) return answer(given);
      const how = await outcome(host, command);
      const analyses = (await client.runs.items.query({ runId: id, kind: 'analyses', limit: 50 })) as ListItems['analyses'][];
      const found = analyses.find((a) => a.commandId === command.id);
      return answer(found ? { ...how, answer: { summary: found.summary, message: found.message } } : how);
    },
  );

  mcp.registerTool(
    'list_recipes',
    {
      description:
        'What can be trained: each recipe with its presets, the trainers that have it, and every setting of its config: path, title, what it takes, unit, usual range, default.',
      inputSchema: { recipe: z.string().optional().describe('only this one') },
      annotations: { readOnlyHint: true },
    },
    async ({ recipe }) => {
      const known = await client.runs.recipes.query();
      const found = known.filter((r) => recipe === undefined || r.name === recipe);
      if (recipe !== undefined && found.length === 0)
        throw new Error(`there is no recipe ${JSON.stringify(recipe)}; there are ${known.map((r) => r.name).join(', ')}`);
      return answer(found.map(describeRecipe));
    },
  );

  mcp.registerTool(
    'start_run',
    {
      description:
        'Start a training run. `config` holds what differs from the preset (the first one unless named), e.g. {"seed": 7, "optimizer": {"learningRate": 0.001}}; list_recipes says what there is. `commands` are in its log from the start, e.g. one meant for step 0; `paused` waits before the first step.',
      inputSchema: {
        recipe: z.string().describe('name of a recipe, from list_recipes'),
        preset: z.string().optional(),
        config: z.record(z.string(), z.unknown()).default({}),
        name: z.string().optional(),
        project: z.string().optional(),
        group: z.string().optional(),
        tags: z.array(z.string()).optional(),
        trainer: z.string().optional().describe('name of the trainer that is to take it'),
        commands: createRun.shape.commands,
        paused: createRun.shape.paused,
      },
    },
    async ({ recipe, preset, config, name, project, group, tags, trainer, commands, paused }) => {
      const known = await client.runs.recipes.query();
      const spec = known.find((r) => r.name === recipe);
      if (!spec)
        throw new Error(`recipe: there is no ${JSON.stringify(recipe)}; there are ${known.map((r) => r.name).join(', ')}`);
      const base = preset === undefined ? spec.presets[0] : spec.presets.find((p) => p.name === preset);
      if (!base)
        throw new Error(`preset: there is no ${JSON.stringify(preset)}; there are ${spec.presets.map((p) => p.name).join(', ')}`);
      const setup = {
        name: name ?? spec.title,
        recipe: { name: recipe, trainer: trainer ?? null },
        config: merge(base.config, config) as Config,
        ...(project !== undefined && { project }),
        ...(group !== undefined && { group }),
        ...(tags !== undefined && { tags }),
      };
      return answer(
        await client.runs.create.mutate({
          setup,
          ...(commands !== undefined && { commands }),
          ...(paused !== undefined && { paused }),
        }),
      );
    },
  );

  mcp.registerTool(
    'branch_run',
    {
      description:
        'A new run that goes on from a checkpoint of another (its hash from get_run; null = now), which stays as it is. `changes` apply before its first step; `repeat` repeats the later changes of the parent at their steps, but for the command `without`.',
      inputSchema: branchRun.shape,
    },
    async (input) => answer(await client.runs.branch.mutate(input)),
  );

  return mcp;
}

/** Actions that the server carries out itself, in the form of the trainer's declarations. */
const serverAction = {
  name: revertAction,
  label: 'Revert',
  help: 'Takes the run back to one of its checkpoints; what came after it is replaced, and the changes made since are undone. Give the step of a checkpoint, or its hash.',
  args: ['step', 'checkpoint'],
};

/** A recipe for an agent: a list of its settings instead of a schema. */
function describeRecipe({ name, title, summary, schema, presets, trainers }: KnownRecipe) {
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
async function describeRun(client: ToolHost['client'], view: RunView) {
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

/** Waits up to 13 s for the trainer's answer, which comes between two steps; after that returns `requested`. */
async function outcome({ client, pause }: ToolHost, command: Command): Promise<CommandRecord['outcome']> {
  for (let waitMs = 50; ; waitMs *= 2) {
    const found = (await client.runs.item.query({
      runId: command.runId,
      kind: 'commands',
      id: command.id,
    })) as CommandRecord | null;
    const now = found?.outcome ?? { status: 'requested' as const };
    if (now.status !== 'requested' || waitMs > 6400) return now;
    await pause(waitMs);
  }
}

function merge(base: unknown, changes: unknown): unknown {
  if (!isObject(base) || !isObject(changes)) return changes;
  const own = (key: string) => (Object.hasOwn(base, key) ? base[key] : undefined);
  const merged = Object.entries(changes).map(([key, value]): [string, unknown] => [key, merge(own(key), value)]);
  // Names of settings are data: fromEntries treats "__proto__" like any other name.
  return Object.fromEntries([...Object.entries(base), ...merged]);
}
