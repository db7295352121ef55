/** The tools that steer a run or start one. */
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { nanoid } from 'nanoid';
import { z } from 'zod';
import { type Command, condition } from '~/shared/commands';
import { controlValue } from '~/shared/controls';
import { blobHash, runId } from '~/shared/ids';
import { isObject } from '~/shared/own';
import { branchRun, createRun } from '~/shared/runRequests';
import type { Config } from '~/shared/setup';
import type { CommandRecord, ListItems } from '~/shared/view';
import { answer, type ToolHost } from './host';

export function addSteerTools(mcp: McpServer, host: ToolHost): void {
  const { client } = host;
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
