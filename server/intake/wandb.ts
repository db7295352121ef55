/**
 * Intake 3: the requests of the stock wandb client to its server (WANDB_BASE_URL): some GraphQL queries, one stream of lines for
 * each run, and uploads of files. The wire format is not documented; this is that of wandb 0.30, which the test runs. Anything
 * that is not kept here (artifacts, sweeps, the public API) is answered with an error, which the client ignores.
 */

import { createHmac } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname } from 'node:path';
import { z } from 'zod';
import { addressOf } from '~/server/base/forwarded';
import { hashOf } from '~/server/base/hash';
import { sendJson, sendText } from '~/server/base/respond';
import type { KnownVisit, Route } from '~/server/base/route';
import type { Room } from '~/server/runs/room';
import type { Actor } from '~/shared/ids';
import { isObject } from '~/shared/own';
import { type Config, fittedConfig } from '~/shared/setup';
import { parsed, RequestError, readBytes, readJson } from './body';
import { fileSample, kept, MAX_FILE_BYTES } from './fileSample';
import type { Intake } from './intake';
import type { IntakeRun } from './intakeRun';
import { given, jsonBody, routesOf } from './routes';
import { axesOf, bucket, bucketOf, changes, configOf, ending, entity, softwareOf, summaryEvents } from './wandbRun';
import {
  copyOf,
  historyEvents,
  lastStepAfter,
  newStream,
  outputEvents,
  type Stream,
  systemEvents,
  tableOf,
  withoutWrong,
} from './wandbStream';

/** Most files of a run that wait for their samples. */
const filesKept = 1000;

/** Most characters kept of what a process has printed. */
const mostPrinted = 64_000;

/** Files that the client uploads by itself. The config, the summary, the console and the machine's description arrive by other requests. */
const ofClient = /^(config\.yaml|requirements\.txt|conda-environment\.yaml|output\.log|diff.*\.patch|wandb-.*|(code|logs)\/.*)$/;
/** Types of artifacts that the client makes by itself: tables that are logged are samples here. */
const artifactsOfClient = /^(run_table|job|code|wandb-.*)$/;

const writeError = (response: ServerResponse, status: number, message: string) =>
  sendJson(response, status, { errors: [{ message }], data: null });

const lines = z.object({ content: z.array(z.string()).default([]) });
const posted = z.object({
  files: z
    .object({ 'wandb-history.jsonl': lines, 'wandb-events.jsonl': lines, 'wandb-summary.json': lines, 'output.log': lines })
    .partial()
    .default({}),
  complete: z.boolean().nullish(),
  exitcode: z.int().nullish(),
});

const artifact = z.object({
  projectName: z.string().nullish(),
  runName: z.string(),
  artifactTypeName: z.string(),
  artifactCollectionName: z.string(),
});

export function wandbRoutes(intake: Intake, secret: string): Route[] {
  const route = routesOf(intake, writeError);
  const { blobs, opened } = intake.deps;

  const keyOf = (project: string | null | undefined, name: string) => `wandb/${project || 'uncategorized'}/${name}`;
  const find = async (project: string | null | undefined, name: string) =>
    given(await intake.find('wandb', keyOf(project, name)));
  const streamOf = (run: IntakeRun): Stream => {
    const known = run.notes.get('stream') as Stream | undefined;
    const stream = known ?? newStream();
    if (!known) run.notes.set('stream', stream);
    return stream;
  };

  async function upsert(actor: Actor, host: string, variables: unknown): Promise<object> {
    const wish = parsed(bucket, variables);
    const key = keyOf(wish.project, wish.name);
    const all = configOf(wish.config);
    const own = isObject(all._wandb) ? all._wandb : {};
    const config = fittedConfig(Object.fromEntries(Object.entries(all).filter(([name]) => name !== '_wandb')) as Config);
    const inserted = opened.runOf(key) === undefined;
    // Only `wandb.init` sends the host; later requests change the run.
    if (inserted || wish.host) {
      const name = wish.displayName || wish.name.slice(0, 80);
      const setup = {
        ...{ name, project: wish.project || 'uncategorized', config, tags: wish.tags ?? [], recipe: null },
        ...(wish.groupName && { group: wish.groupName }),
        ...(wish.jobType && { jobType: wish.jobType }),
        ...(wish.notes && { notes: wish.notes }),
      };
      const started = { device: { device: '', software: softwareOf(own) } };
      given(await intake.open('wandb', actor, wish.host ?? host, { key, setup, resume: 'allow' }, { started }));
    }
    const run = await find(wish.project, wish.name);
    const state = streamOf(run);
    if (wish.host) state.printed = '';
    for (const axis of axesOf(own)) state.axes.add(axis);
    if (!inserted && !wish.host) given(await run.say(null, ({ view }) => changes(view, wish, config, own)));
    return { bucket: bucketOf(await run.room(), wish.name, wish.project), inserted };
  }

  async function stream({ params, url }: KnownVisit, raw: string): Promise<object> {
    const run = await find(params.project, params.run!);
    const wish = parsed(posted, readJson(raw));
    const { files } = wish;
    const state = streamOf(run);
    const content = (name: keyof typeof files) => files[name]?.content ?? [];
    const summary = content('wandb-summary.json').at(-1);
    const id = hashOf(`${(await run.view()).attempt} ${url.pathname} ${raw}`).slice(0, 32);
    const asked = await run.stopAsked();
    let next = state;
    const events = (room: Room) => {
      next = copyOf(state);
      if (summary !== undefined) next.summary = readJson(summary) as Stream['summary'];
      const history = historyEvents(room, next, content('wandb-history.jsonl'));
      if ('ok' in history) return history;
      const step = Math.max(0, lastStepAfter(room, history));
      const system = systemEvents(room, content('wandb-events.jsonl'), step);
      if ('ok' in system) return system;
      const output = outputEvents(content('output.log'));
      next.printed = (next.printed + output.map(({ text }) => text).join('')).slice(-mostPrinted);
      const summed = wish.complete ? summaryEvents(room, history, next) : [];
      const last =
        wish.complete && !asked
          ? ending(Math.max(room.view.step, lastStepAfter(room, history) + 1), wish.exitcode ?? 0, next.printed)
          : [];
      return withoutWrong([...history, ...system, ...output, ...summed, ...last], step);
    };
    const said = await run.say(id, events, { logged: () => void Object.assign(state, next) });
    if (wish.complete && asked) await run.stopped();
    // If people have ended the run, the answer must not be a refusal: the client would send the lines again and again.
    if (!said.ok && said.reason !== 'run-ended') given(said);
    return { exitcode: null, limits: {}, stopped: asked || (await run.stopAsked()) };
  }

  /** Uploads carry no token: the signed address of a file is the permission. */
  const signature = (run: string, path: string) => createHmac('sha256', secret).update(`${run}/${path}`).digest('hex');

  async function upload(request: IncomingMessage, response: ServerResponse, runId: string, path: string): Promise<void> {
    const run = await intake.find('wandb', runId);
    const whole = await readBytes(request, MAX_FILE_BYTES);
    if ('ok' in run || ofClient.test(path)) return sendText(response, 200, 'not kept');
    const state = streamOf(run);
    if (!path.startsWith('media/')) {
      const { step } = await run.view();
      const sample = await fileSample(blobs, path, whole, step);
      // A script that saves its model again and again is told once.
      const kind = extname(path) || path;
      const unkept = 'message' in sample;
      await run.say(null, () => (unkept && state.unkept.has(kind) ? [] : withoutWrong([sample], step)), {
        logged: () => void (unkept && state.unkept.add(kind)),
      });
      return sendText(response, 200, 'seen');
    }
    const table = path.startsWith('media/table/') ? tableOf(whole) : null;
    const blob = await kept(blobs, table === null ? whole : Buffer.from(table));
    const samples = () =>
      (state.awaited.get(path) ?? []).flatMap((sample) => withoutWrong([{ type: 'media', ...sample, blob }], sample.step));
    await run.say(null, samples, {
      logged() {
        const { files, awaited } = state;
        awaited.delete(path);
        files.set(path, blob);
        if (files.size > filesKept) files.delete(files.keys().next().value!);
      },
    });
    sendText(response, 200, 'kept');
  }

  async function operation(visit: KnownVisit, name: string, variables: Record<string, unknown>): Promise<object | null> {
    const { actor, request } = visit;
    const run = () =>
      find((variables.project ?? variables.projectName) as string, String(variables.run ?? variables.runName ?? variables.name));
    switch (name) {
      case 'Viewer':
        return {
          viewer: { id: actor.id, entity, username: actor.name, email: '', flags: '{}', admin: false, teams: { edges: [] } },
        };
      case 'ServerFeaturesQuery':
        return { serverInfo: { features: [] } };
      case 'UpsertBucket':
        return { upsertBucket: await upsert(actor, request.socket.remoteAddress ?? '', variables) };
      case 'RunResumeStatus': {
        const project = variables.project as string;
        const key = keyOf(project, String(variables.name));
        const room = opened.runOf(key) === undefined ? null : await (await find(project, String(variables.name))).room();
        return {
          model: {
            id: project,
            name: project,
            entity: { id: entity, name: entity },
            bucket: room && bucketOf(room, String(variables.name), project),
          },
        };
      }
      case 'CreateRunFiles': {
        const { runId } = await run();
        const files = parsed(z.array(z.string().max(1000)).max(10_000), variables.files);
        const base = addressOf(request) + intake.deps.basePath;
        const url = (path: string) =>
          `${base}/api/wandb/${runId}/${signature(runId, path)}/${path.split('/').map(encodeURIComponent).join('/')}`;
        return {
          createRunFiles: { runID: runId, uploadHeaders: [], files: files.map((path) => ({ name: path, uploadUrl: url(path) })) },
        };
      }
      case 'NotifyScriptableRunAlert': {
        const { title, text: more, severity } = variables;
        const level = severity === 'ERROR' ? 'error' : severity === 'WARN' ? 'warning' : 'info';
        const message = [title, more].filter(Boolean).join(': ').slice(0, 2000);
        given(await (await run()).say(null, ({ view: { step } }) => [{ type: 'alert', step, level, kind: 'script', message }]));
        return { notifyScriptableRunAlert: { success: true } };
      }
      case 'CreateArtifact': {
        const { projectName, runName, artifactTypeName, artifactCollectionName } = parsed(artifact, variables.input);
        const owner = await find(projectName, runName);
        const state = streamOf(owner);
        if (artifactsOfClient.test(artifactTypeName) || state.unkept.has(artifactCollectionName)) return null;
        const message = `the artifact ${artifactCollectionName} is not kept here`.slice(0, 500);
        await owner.say(null, ({ view: { step } }) => [{ type: 'alert', step, level: 'info', kind: 'wandb', message }], {
          logged: () => void state.unkept.add(artifactCollectionName),
        });
        return null;
      }
      default:
        return null;
    }
  }

  return [
    route('POST', '/graphql', async (visit, body) => {
      const asked = await jsonBody(body);
      const { query = '', operationName, variables } = isObject(asked) ? asked : {};
      const name = String((operationName || /(?:query|mutation)\s+(\w+)/.exec(String(query))?.[1]) ?? '');
      const data = await operation(visit, name, isObject(variables) ? variables : {});
      return data ? { data } : { data: null, errors: [{ message: `${name.slice(0, 80)} is not answered here` }] };
    }),
    route('POST', '/files/:entity/:project/:run/file_stream', async (visit, body) => stream(visit, await body())),
    {
      method: 'PUT',
      path: '/api/wandb/:run/:signature/*',
      for: 'anybody',
      async handle({ request, response, params }) {
        const { run = '', signature: sent, '*': path = '' } = params;
        if (sent !== signature(run, path)) return sendText(response, 403, 'this address was not given out for this file');
        try {
          await upload(request, response, run, path);
        } catch (error) {
          if (!(error instanceof RequestError)) throw error;
          sendText(response, error.status, error.message, { connection: 'close' });
        }
      },
    },
    // The address that the client prints.
    {
      method: 'GET',
      path: `/${entity}/:project/runs/:run`,
      for: ['watch runs', 'trainer'],
      handle({ response, params }: KnownVisit) {
        const runId = opened.runOf(keyOf(params.project, params.run!));
        if (runId === undefined) return sendText(response, 404, `there is no run ${params.run} in project ${params.project}`);
        response.writeHead(302, { location: `../../../runs/${runId}` }).end();
      },
    },
    // The client asks whether the server wants telemetry.
    {
      method: 'POST',
      path: '/sdk/otel/*',
      for: 'anybody',
      handle: ({ response }) => sendText(response, 404, 'there is nothing here'),
    },
  ];
}
