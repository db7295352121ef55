/** Intake 1: HTTP and JSON, for curl and any language. README.md explains its use. */

import { nanoid } from 'nanoid';
import { z } from 'zod';
import type { KnownVisit, Route } from '~/server/base/route';
import type { Room } from '~/server/runs/room';
import { type LoggedCommand, refusalReason } from '~/shared/commands';
import { controlValue } from '~/shared/controls';
import { histogram, MAX_CONSOLE_CHARACTERS, table } from '~/shared/media';
import { isObject } from '~/shared/own';
import { openRequest } from '~/shared/protocol';
import { rowStep, series } from '~/shared/series';
import { newSetup } from '~/shared/setup';
import { isSeconds, isTime, timeWish } from '~/shared/times';
import { ended } from '~/shared/view';
import { numberOf, parsed, plain, RequestError, readJson } from './body';
import type { Intake } from './intake';
import { type IntakeRun, stopAction } from './intakeRun';
import { given, jsonBody, routesOf } from './routes';
import { type Row, rowEvents } from './rowEvents';

/** Longest time for which a program may ask to wait for commands. */
const longestWaitS = 60;
/** It is answered by then, because proxies end a request that is silent for 60 s. */
const answeredWithinS = 50;

const opening = z.strictObject({
  ...openRequest.shape,
  key: openRequest.shape.key.optional(),
  setup: z.never('setup: give name, project, config, ... themselves').optional(),
  ...newSetup.omit({ recipe: true }).shape,
  name: newSetup.shape.name.optional(),
  config: newSetup.shape.config.default({}),
  device: z.string().max(300).default(''),
  controls: z.array(z.unknown()).default([]),
  actions: z.array(z.unknown()).optional(),
});

type Item = Record<string, unknown>;

/** What a program can send to its run: the last part of the path, and the events that one item of the body becomes. */
const kinds = new Map<string, (item: Item, room: Room) => readonly unknown[]>([
  ['define', (item) => [{ type: 'series', stream: item.name, columns: [parsed(series, item)] }]],
  ['text', (item, room) => [{ type: 'media', kind: 'text', step: room.view.step, ...item }]],
  ['image', (item, room) => [{ type: 'media', kind: 'image', step: room.view.step, ...item }]],
  ['histogram', ({ edges, counts, ...item }, room) => [sample('histogram', { edges, counts }, item, room)]],
  ['table', ({ columns, rows, ...item }, room) => [sample('table', { columns, rows }, item, room)]],
  ['console', ({ text, ...item }) => consoleEvents(parsed(z.strictObject({ text: z.string() }), { text }).text, item)],
  ['evaluation', (item, room) => [{ type: 'evaluation', step: room.view.step, ...item, metrics: metrics(item.metrics) }]],
  ['alert', (item, room) => [{ type: 'alert', step: room.view.step, level: 'warning', kind: 'script', ...item }]],
  ['setup', (item) => [{ type: 'setup', ...(plain(item) as Item) }]],
  [
    'summary',
    (item, room) => [
      sample(
        'table',
        { columns: ['name', 'value'], rows: Object.entries(item).map(([k, v]) => [k, cell(v)]) },
        { name: 'summary' },
        room,
      ),
    ],
  ],
  ['rewind', (item) => [{ type: 'rewind', ...item }]],
  ['status', (item, room) => [{ type: 'status', step: room.view.step, ...item }]],
  ['finish', (item, room) => [{ type: 'status', step: room.view.step, status: 'finished', ...item }]],
  ['fail', (item, room) => [{ type: 'status', step: room.view.step, ...item, status: 'failed' }]],
  ['answers', (item, room) => [answerEvent(item, room)]],
  ['heartbeat', () => []],
]);

export function httpRoutes(intake: Intake): Route[] {
  const route = routesOf(intake);
  const find = async ({ params }: KnownVisit) => given(await intake.find('http', params.run!));

  return [
    route('POST', '/api/runs', async ({ actor, request }, body) => {
      const {
        device,
        controls,
        actions,
        key = nanoid(),
        resume,
        fork,
        setup: _none,
        ...asked
      } = parsed(opening, plain(await jsonBody(body)));
      const setup = { ...asked, name: asked.name ?? key.slice(0, 80), recipe: null };
      // An invalid declaration is refused like any other event: the error names its field.
      const started = { device: { device }, controls: { values: controls, actions: actions ?? [stopAction] } };
      const host = request.socket.remoteAddress ?? '';
      const opened = given(
        await intake.open(
          'http',
          actor,
          host,
          { key, setup, resume, ...(fork && { fork }) },
          { id: idOf(request.headers), started },
        ),
      );
      const { run, state, repeated } = opened;
      const { attempt } = await run.view();
      return {
        ok: true,
        runId: run.runId,
        key,
        attempt,
        page: `${intake.deps.basePath}/runs/${run.runId}`,
        ...state,
        repeated,
      };
    }),

    route('GET', '/api/runs/:run/commands', async (visit) => {
      const run = await find(visit);
      const asked = Number(visit.url.searchParams.get('wait') ?? 0);
      if (!(asked >= 0 && asked <= longestWaitS))
        throw new RequestError(400, `wait: give seconds from 0 to ${longestWaitS}`, 'wait');
      const { clock } = intake.deps;
      const until = clock.elapsed() + Math.min(asked, answeredWithinS) * 1000;
      const after = Number(visit.url.searchParams.get('after') ?? 0);
      if (!Number.isInteger(after)) throw new RequestError(400, 'after: give the seq of a command', 'after');
      const news = async () => (await run.commands()).some((c) => c.seq > after) || ended((await run.view()).status);
      run.heard();
      visit.response.once('close', () => run.wake());
      while (!(await news()) && clock.elapsed() < until && !visit.response.destroyed) await run.news(until - clock.elapsed());
      return { ok: true, repeated: false, ...(await stateOf(run, after)) };
    }),

    route('POST', '/api/runs/:run/:what', async (visit, body) => {
      const { what } = visit.params;
      const events = kinds.get(what!);
      if (!events && what !== 'log')
        throw new RequestError(
          404,
          `there is nothing at ${visit.url.pathname}; the last part is one of log, ${[...kinds.keys()].join(', ')}`,
        );
      const run = await find(visit);
      const list = items(await body());
      const said = await run.say(
        idOf(visit.request.headers),
        (room) => {
          if (!events) return rowEvents(room.streams, rows(list, room));
          return list.flatMap((item) => events(item, room));
        },
        list.length,
      );
      // Ending a run that has already ended in this way counts as a repetition.
      const again = !said.ok && said.reason === 'run-ended' && what === 'finish' && (await run.view()).status === 'finished';
      const { repeated } = again ? { repeated: true } : given(said);
      return { ok: true, repeated, ...(await stateOf(run, 0)) };
    }),
  ];
}

const idOf = (headers: KnownVisit['request']['headers']): string | null => {
  const id = headers['idempotency-key'];
  if (id === undefined) return null;
  return parsed(z.string().min(1).max(200), id, 'idempotency-key: ');
};

/**
 * Fields of every answer: the state of the run, and commands of people. A program that declares no actions is asked here to stop.
 */
async function stateOf(run: IntakeRun, after: number) {
  const stop = await run.stopAsked();
  const { controls } = await run.view();
  const own = controls.actions.some((a) => a.role === 'stop' && a.help !== stopAction.help);
  if (stop && !own) await run.stopped();
  const view = await run.view();
  const commands = (await run.commands()).filter((c) => c.seq > after).map(commandOf);
  return { runId: run.runId, status: view.status, step: view.step, stop, commands };
}

const commandOf = ({ seq, actor, command: { runId: _run, ...command } }: LoggedCommand) => ({ seq, by: actor.name, ...command });

/** The body as a list: one JSON object, an array of them, or one per line. */
function items(text: string): Item[] {
  const lines = text.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [{ line, i }]));
  const whole = tried(text);
  const list =
    whole === undefined && lines.length > 0
      ? lines.map(({ line, i }) => tried(line) ?? wrongLine(i, line))
      : [whole ?? {}].flat();
  return list.map((item, i) => {
    if (isObject(item)) return item;
    throw new RequestError(400, `${i}: a JSON object is needed, got ${JSON.stringify(item)?.slice(0, 80)}`, String(i));
  });
}

function tried(text: string): unknown {
  try {
    return readJson(text);
  } catch {
    return undefined;
  }
}

function wrongLine(i: number, line: string): never {
  try {
    throw new Error(String(readJson(line)));
  } catch (error) {
    throw new RequestError(400, `line ${i + 1}: no JSON: ${(error as Error).message}`);
  }
}

const rowShape = z.strictObject({
  step: rowStep.optional(),
  time: z
    .number()
    .refine(isTime, timeWish)
    .refine((time) => !isSeconds(time), {
      error: ({ input }) => `${input} is a time in seconds; give ms since 1970: ${Math.round(Number(input) * 1000)}`,
    })
    .optional(),
  // Not z.record: names such as "__proto__" must stay unchanged.
  values: z.custom<Record<string, unknown>>(isObject, 'an object is needed'),
});

/** {"loss": 1}, or {"step": 7, "time": ..., "values": {"loss": 1}}; without a step, the one after the last is used. */
function rows(list: readonly Item[], { view }: Room): Row[] {
  let next = view.step;
  return list.map((item, i) => {
    const { step: at, time, ...values } = item;
    const at0 = list.length > 1 ? `${i}.` : '';
    const row = parsed(
      rowShape,
      isObject(item.values) ? item : { ...(at !== undefined && { step: at }), ...(time !== undefined && { time }), values },
      at0,
    );
    const step = row.step ?? next;
    next = step + 1;
    const entries = Object.entries(row.values).map(([name, value]) => {
      const number = numberOr400(at0 + name, value);
      if (name === '' || name.length > 512)
        throw new RequestError(
          400,
          `${at0}${JSON.stringify(name.slice(0, 40))}: a name has 1 to 512 characters`,
          at0 + name.slice(0, 40),
        );
      return [name, number] as const;
    });
    return { step, at: row.time ?? Date.now(), values: entries };
  });
}

function numberOr400(field: string, value: unknown): number {
  const number = numberOf(value);
  if (number !== null) return number;
  const got = JSON.stringify(value).slice(0, 80);
  throw new RequestError(400, `${field}: a number is needed (or "NaN", "Infinity", "-Infinity"), got ${got}`, field);
}

const sample = (kind: 'histogram' | 'table', content: object, item: Item, room: Room) => ({
  type: 'media',
  kind,
  step: room.view.step,
  ...item,
  text: JSON.stringify(kind === 'histogram' ? parsed(histogram, content) : parsed(table, content)),
});

const cell = (value: unknown) =>
  typeof value === 'number' || typeof value === 'boolean' || value === null
    ? value
    : typeof value === 'string'
      ? plain(value)
      : JSON.stringify(value);

export function consoleEvents(text: string, item: Item = {}): unknown[] {
  const parts: unknown[] = [];
  for (let at = 0; at < text.length; at += MAX_CONSOLE_CHARACTERS)
    parts.push({ type: 'console', stream: 'out', ...item, text: text.slice(at, at + MAX_CONSOLE_CHARACTERS) });
  return parts;
}

/** {"loss": 1, ...}, or the protocol's list of metrics. */
function metrics(given: unknown): unknown {
  if (Array.isArray(given)) return given.map((m: unknown) => (isObject(m) ? { ...m, value: numberOf(m.value) ?? m.value } : m));
  if (!isObject(given))
    throw new RequestError(
      400,
      `metrics: give an object of numbers by name, not ${JSON.stringify(given)?.slice(0, 80) ?? 'nothing'}`,
      'metrics',
    );
  return Object.entries(given).map(([name, value]) => ({
    name,
    value: numberOr400(`metrics.${name}`, value),
    ...(name === 'loss' && { role: 'loss', better: 'lower' }),
    ...(name === 'accuracy' && { role: 'accuracy', better: 'higher' }),
  }));
}

const answered = z.strictObject({
  id: z.string(),
  outcome: z.enum(['applied', 'scheduled', 'refused']).default('applied'),
  step: z.int().optional(),
  before: controlValue.default(null),
  after: controlValue.default(null),
  reason: refusalReason.default('failed'),
  message: z.string().max(500).default(''),
});

function answerEvent(item: Item, { view }: Room): unknown {
  const { id, outcome, step = view.step, before, after, reason, message } = parsed(answered, item);
  const asked = view.openCommands.find((c) => c.command.id === id);
  if (!asked) throw new RequestError(404, `id: no command ${id} waits for an answer`, 'id');
  const answer = { type: `command.${outcome}`, commandId: id, seq: asked.seq, step, message };
  if (outcome === 'applied') return { ...answer, before, after };
  return outcome === 'refused' ? { ...answer, reason } : answer;
}
