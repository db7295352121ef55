/** Intake 1: HTTP and JSON, for curl and any language. README.md explains its use. */

import { nanoid } from 'nanoid';
import { z } from 'zod';
import type { KnownVisit, Route } from '~/server/base/route';
import type { Room } from '~/server/runs/room';
import type { LoggedCommand } from '~/shared/commands';
import { openRequest } from '~/shared/protocol';
import { series } from '~/shared/series';
import { newSetup } from '~/shared/setup';
import { over } from '~/shared/view';
import { parsed, plain, RequestError } from './body';
import type { Intake } from './intake';
import { type IntakeRun, stopAction } from './intakeRun';
import { answerEvent, cell, consoleEvents, type Item, items, metrics, rows, sample } from './items';
import { given, jsonBody, routesOf } from './routes';
import { rowEvents } from './rowEvents';

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
      const now = await stateOf(run, 0);
      return {
        ok: true,
        key,
        attempt,
        page: `${intake.deps.basePath}/runs/${run.runId}`,
        ...now,
        ...(!now.stop && state),
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
      const news = async () => (await run.commands()).some((c) => c.seq > after) || over((await run.view()).status);
      // The program is alive: it has its run again after a restart of the server, or where the run counted as crashed.
      await run.say(null, () => []);
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
        { items: list.length },
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
