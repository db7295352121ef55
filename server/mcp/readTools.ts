/** The tools that only read. */
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
import { unzipped } from '~/server/base/unzipped';
import { answerAt, answerText, axisOf, labelText, targetAt } from '~/shared/aboutSnapshot';
import { mapOf, parseAttentionSnapshot } from '~/shared/attentionSnapshot';
import { runId, step } from '~/shared/ids';
import { shelves } from '~/shared/runTable';
import type { ListItems } from '~/shared/view';
import { readBlob } from './client';
import { describeRecipe, describeRun } from './describe';
import { answer, type ToolHost } from './host';

/** Most numbers in an answer about signals, unless one snapshot alone has more: they would fill an agent's memory. */
const mostNumbers = 5_000;

export function addReadTools(mcp: McpServer, host: ToolHost): void {
  const { client } = host;
  mcp.registerTool(
    'list_runs',
    {
      description:
        'Training runs, newest first: status, step, loss, accuracy. `total` is how many there are that match; `skip` for the next page.',
      inputSchema: {
        search: z
          .string()
          .max(2000)
          .default('')
          .describe('Words of the name, or terms such as status=running, project=..., config.lr>0.01'),
        show: z.enum(shelves).default('all'),
        skip: z.int().min(0).default(0),
        limit: z.int().min(1).max(500).default(50),
      },
      annotations: { readOnlyHint: true },
    },
    async (input) => {
      const order = { sort: 'createdAt', descending: true, group: 'none' } as const;
      const { runs, problems, page } = await client.runs.table.query({ ...order, columns: [], folded: [], ...input });
      return answer({ total: runs, problems, runs: page.flatMap((line) => (line.kind === 'run' ? line.run : [])) });
    },
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
        'Per-head signals (entropy, confidence, drift, ...) of the last `limit` attention snapshots up to `step` (null = newest): steps, the shapes that occur, and per signal the values snapshot after snapshot, layer after layer, with four digits. With many heads only the newest snapshots fit; `leftOut` says how many did not: ask for them by `step`.',
      inputSchema: { runId, step: step.nullable().default(null), limit: z.int().min(1).max(500).default(20) },
      annotations: { readOnlyHint: true },
    },
    async ({ runId: id, step: upTo, limit }) => {
      const near = { runId: id, kind: 'snapshots', step: upTo ?? Number.MAX_SAFE_INTEGER, limit } as const;
      const { before, after } = await client.runs.near.query(near);
      const first = after[0] as ListItems['snapshots'] | undefined;
      if (before.length === 0)
        throw new Error(
          first
            ? `step: run ${id} has no snapshot up to step ${upTo}; the first is at ${first.step}`
            : `run ${id} has no snapshot yet; request_command with action "snapshot" takes one`,
        );
      const seqs = before.map((s) => s.seq);
      const ask = (some: number[]) => client.runs.signals.query({ runId: id, seqs: some });
      const newest = await ask(seqs.slice(-1));
      const each = newest.signals.reduce((sum, { values }) => sum + values.length, 0);
      const fitting = seqs.slice(-Math.max(1, Math.floor(mostNumbers / Math.max(1, each))));
      const { signals, ...found } = fitting.length === 1 ? newest : await ask(fitting);
      const short = signals.map(({ name, values }) => ({ name, values: values.map((value) => Number(value.toPrecision(4))) }));
      return answer({ ...found, signals: short, leftOut: seqs.length - fitting.length });
    },
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
}
