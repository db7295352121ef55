import { z } from 'zod';
import { type Command, type CommandAnswer, condition, type LoggedCommand, loggedCommand, type Refusal } from './commands';
import { controlValue } from './controls';
import { analysis, type Entry } from './events';
import { type Actor, attempt, blobHash, blobRef, chosenName, commandId, runId, seen, step } from './ids';
import type { Notice } from './notices';
import { recipeSpec } from './recipes';
import { newSetup, runSetup } from './setup';
import type { RunSummary } from './summary';
import type { RunStatus, RunView } from './view';
import type { Watching } from './watching';

export { paths } from './paths';

/** All messages between viewers, server and trainers. A change that an older peer would misread raises VERSION. */
export const VERSION = 2;

/** The address of one of `paths` on a server, which may itself be below a path: https://lab.example/headroom. */
export const addressAt = (server: string, path: string): URL => new URL(server.replace(/\/+$/, '') + path);

// ---- trainer <-> server: socket.io on paths.trainers, "authorization: Bearer <token>" in the upgrade request ----

/** An attempt that the process continues. */
export const holding = z.strictObject({
  runId,
  attempt,
  /** Highest command seq it has received. */ lastCommandSeq: z.int().nonnegative(),
});
export type Holding = z.infer<typeof holding>;

/** Asks for the run of a key: a new run, or (`resume`) a new attempt of the run that has the key. */
export const openRequest = z.strictObject({
  /** Names the run for the script that owns it: chosen, or made once and kept. No control characters. */
  key: z.string().regex(/^[^\p{Cc}]{8,128}$/u, 'key: 8 to 128 characters, none of them a control character'),
  setup: newSetup.extend({ recipe: z.null('a run that a script opens has no recipe').default(null) }),
  /** `never`: the key must be new. `must`: it must be known. */
  resume: z.enum(['never', 'allow', 'must']).default('never'),
  /** The new run continues from this step of another. */
  fork: z.strictObject({ runId, step }).optional(),
});
export type OpenRequest = z.infer<typeof openRequest>;

/** `state`: the run's step and status before this attempt (`queued`: it is new). */
export type OpenAnswer =
  | {
      ok: true;
      runId: string;
      attempt: number;
      nextEvent: number;
      commands: LoggedCommand[];
      state: { step: number; status: RunStatus };
    }
  | Refusal;

/** Gives a run up without ending it. */
export const closeRequest = z.strictObject({ runId, attempt });

/** A run whose process has been silent this long is marked as crashed, so that people see it within 30 s. */
export const CRASHED_MS = 28_000;

/** Runs that one process may hold at a time. */
export const MAX_HELD = 256;

/** Sent on every (re)connection. `holding`: the runs that this process has, so that the link continues where it was. */
export const registration = z.strictObject({
  version: z.int(),
  /** Made by the process at start: unchanged by reconnections, new after a restart. */
  trainerId: z.string().regex(/^[A-Za-z0-9_-]{8,64}$/),
  name: z.string().min(1).max(80),
  host: z.string().max(255),
  pid: z.int().positive(),
  /** The device that it computes on: "NVIDIA H100", "8 CPU cores". */
  device: z.string().max(300).optional(),
  /** "PyTorch 2.9, Python 3.13" */
  software: z.string().max(300).optional(),
  /** The recipes that it can train; empty for a script that only opens its own runs. */
  recipes: z.array(recipeSpec).max(100),
  memoryBytes: z.int().positive(),
  /** Accepts questions about checkpoints (`ask`), also while it trains. */
  answers: z.boolean().optional(),
  holding: z.array(holding).max(MAX_HELD),
});
export type Registration = z.infer<typeof registration>;

/**
 * The server's answer for one of `holding`: continue from event number `nextEvent`; or the run no longer belongs to this process,
 * and why.
 */
export type HoldingAnswer =
  /** `commands`: all unanswered commands, in order, including those that the process has already received. */
  | { runId: string; attempt: number; ok: true; nextEvent: number; commands: LoggedCommand[] }
  | { runId: string; attempt: number; ok: false; message: string };

/** One answer per item of `holding`, in the same order. */
export type RegistrationAnswer = { ok: true; holding: HoldingAnswer[] } | Refusal;

/** Most events in a batch. */
export const MAX_BATCH_EVENTS = 4096;

/**
 * Events of one attempt, numbered by the trainer from 0; sent packed (pack.ts), re-sent until answered. Each event is checked
 * separately (trainerEvents.ts): an invalid one keeps its numbers and is set aside with an alert, and the others are kept.
 */
export const eventBatch = z.strictObject({
  runId,
  attempt,
  from: z.int().nonnegative(),
  events: z.array(z.unknown()).min(1).max(MAX_BATCH_EVENTS),
});
export type EventBatch = z.infer<typeof eventBatch>;

/**
 * ok: everything below `nextEvent` is committed. `gap`: the server lacks earlier events: send from `nextEvent`. `fenced`: a later
 * attempt exists, stop. `missing-blob`: store the blob `hash` first. `invalid`: not a batch.
 */
export type BatchAnswer =
  | { ok: true; nextEvent: number }
  | { ok: false; reason: 'gap'; nextEvent: number; message: string }
  | { ok: false; reason: 'missing-blob'; hash: string; message: string }
  | { ok: false; reason: 'fenced' | 'invalid' | 'unavailable'; message: string };

/**
 * A run to train: from the start, or from a checkpoint with the commands that had taken effect after it, to be applied again at
 * their recorded steps.
 */
export const assignment = z.strictObject({
  runId,
  attempt,
  setup: runSetup,
  resume: z.strictObject({ step, blob: blobRef, replay: z.array(z.strictObject({ logged: loggedCommand, step })) }).nullable(),
  /** Unanswered commands, in order. */
  commands: z.array(loggedCommand),
});
export type Assignment = z.infer<typeof assignment>;

/**
 * A question about the parameters of a checkpoint, whatever the state of its run. It is answered during training: one forward
 * pass between two updates. A trainer has one at a time; on a new connection it drops its question.
 */
export const question = z.strictObject({
  /** Identifies this assignment of the question: answers with an earlier ticket are ignored. */
  ticket: z.string().min(1).max(64),
  runId,
  commandId,
  /** The run's setup at creation; later changes are in the checkpoint. */
  setup: runSetup,
  action: z.string(),
  args: z.record(z.string(), controlValue),
  step,
  blob: blobRef,
});
export type Question = z.infer<typeof question>;

export const questionProgress = z.strictObject({ ticket: z.string(), done: z.int().nonnegative(), of: z.int().positive() });
export type QuestionProgress = z.infer<typeof questionProgress>;

export const questionAnswer = z.strictObject({
  ticket: z.string(),
  result: z.discriminatedUnion('ok', [
    z.strictObject({
      ok: z.literal(true),
      backend: z.string().min(1).max(64),
      ...analysis.pick({ summary: true, message: true }).shape,
    }),
    z.strictObject({ ok: z.literal(false), reason: z.enum(['invalid', 'failed']), message: z.string().max(500) }),
  ]),
});
export type QuestionAnswer = z.infer<typeof questionAnswer>;

/** A question that waits or is being answered, for people to see. */
export interface QuestionSummary {
  runId: string;
  /** The run's name. */
  name: string;
  commandId: string;
  action: string;
  /** The action's label. */
  label: string;
  actor: Actor;
  /** Step of the checkpoint. */
  step: number;
  /** The trainer that answers it; null = it waits. */
  trainer: string | null;
  /** Why it waits although trainers are connected; null = others are before it in the queue. */
  why: string | null;
  done: number;
  of: number;
}

/** A process sends some message at least this often. */
export const HEARTBEAT_MS = 5_000;

/** Bytes that the trainer keeps in its spool until the server has committed them. */
export const heartbeat = z.object({ spoolBytes: z.int().nonnegative() });
export type Heartbeat = z.infer<typeof heartbeat>;

export interface TrainerToServer {
  register: (r: Registration, answer: (a: RegistrationAnswer) => void) => void;
  /** Idle and able to take a run. Sent after registration and after the last event of each run is committed. */
  ready: () => void;
  open: (r: z.input<typeof openRequest>, answer: (a: OpenAnswer) => void) => void;
  close: (r: { runId: string; attempt: number }, answer: (a: { ok: true } | Refusal) => void) => void;
  /** "I am alive", sent every HEARTBEAT_MS when nothing else was sent. */
  heartbeat: (state?: Heartbeat) => void;
  events: (batch: Uint8Array, answer: (a: BatchAnswer) => void) => void;
  progress: (p: QuestionProgress) => void;
  /** A packed QuestionAnswer: its numbers may be NaN. */
  answer: (packed: Uint8Array) => void;
}

export interface ServerToTrainer {
  assign: (a: Assignment) => void;
  command: (c: LoggedCommand & { runId: string }) => void;
  /** Drop the run without another event: a later attempt owns it, or the run was deleted. */
  release: (r: { runId: string; attempt: number; message: string }) => void;
  ask: (q: Question) => void;
  /** The question was canceled. */
  forget: (f: { ticket: string }) => void;
}

// ---- viewer <-> server: socket.io on paths.viewers, with viewerParser.ts ----

/** A viewer's position in a log. */
export const cursor = z.strictObject({ attempt, seq: z.int().nonnegative() });
export type Cursor = z.infer<typeof cursor>;

export const watchRequest = z.strictObject({
  runId,
  cursor: cursor.nullable(),
  /** false: everything except frames, which a relay sends to this viewer. */
  frames: z.boolean().default(true),
});
export type WatchRequest = z.input<typeof watchRequest>;

/**
 * Answer to `watch`: with a usable cursor frames follow from cursor.seq + 1 (`view` null); otherwise `view` is the run at view.seq and frames follow from there.
 * `view` is packed.
 */
export type WatchAnswer = { ok: true; view: Uint8Array | null; you: Actor } | Refusal;

/**
 * Log entries from .. to, packed, at display rate; the viewer acknowledges each, and at most two are unanswered. `entries` are in
 * order; step rows that a slow viewer missed are left out and named in `skippedSteps` [first, last], which the viewer reads by
 * range. from = last to + 1, else watch again.
 */
export interface Frame {
  runId: string;
  attempt: number;
  from: number;
  to: number;
  entries: Entry[];
  skippedSteps: [number, number] | null;
  /** Set when rows were skipped: the view's step and latest row at `to`, which the entries alone do not give. */
  caughtUp: Pick<RunView, 'step' | 'streams'> | null;
}

const place = z.int().nonnegative();

/** What somebody looks at on a run's page. Shared by those who choose to, kept only while they are there. */
export const look = z.strictObject({
  /** At the newest step, whatever it is. */
  live: z.boolean(),
  step,
  zoom: z.tuple([z.number().nonnegative().finite(), z.number().nonnegative().finite()]).nullable(),
  /** The head, cell or token under the pointer. */
  spot: z
    .strictObject({ layer: place.nullable(), head: place.nullable(), query: place.nullable(), key: place.nullable() })
    .nullable(),
  /** Ids of the panels that are open in the center. */
  shows: z.array(z.string().max(64)).max(8).default([]),
  /** The person invites others to follow. */
  leads: z.boolean(),
});
export type Look = z.infer<typeof look>;
export const lookMessage = z.strictObject({ runId, look: look.nullable() });

/** `tab` identifies one connection of a person. */
export interface Looking {
  tab: string;
  actor: Actor;
  look: Look;
}

export interface ViewerToServer {
  watch: (r: WatchRequest, answer: (a: WatchAnswer) => void) => void;
  unwatch: (r: { runId: string }) => void;
  /**
   * Changed lines of the list of runs follow as `runs`, and the trainers as `trainers`. Pages read the list itself with
   * `runs.table`.
   */
  watchRuns: (answer: (a: { ok: true; you: Actor } | Refusal) => void) => void;
  unwatchRuns: () => void;
  /** The open questions about checkpoints follow as `questions`: as they are, and at every change. */
  watchQuestions: () => void;
  unwatchQuestions: () => void;
  command: (c: Command, answer: (a: CommandAnswer) => void) => void;
  /** For a run that this connection watches; null = no longer shared. */
  look: (l: { runId: string; look: Look | null }) => void;
}

export interface ServerToViewer {
  frame: (frame: Uint8Array, ack: () => void) => void;
  /** Who watches the run, sent at every change; the more people there are, the fewer messages a second. */
  watchers: (w: { runId: string; watchers: Watching }) => void;
  /**
   * Everyone who shares where they look, including oneself, at most ten times a second. When more than `mostLooks` tabs share, only
   * those who ask others to follow them are in `looks`; `sharing` is the number of tabs that share.
   */
  looks: (l: { runId: string; looks: Looking[]; sharing: number }) => void;
  /** The signed-in person from now on: the name or role was changed. */
  you: (you: Actor) => void;
  /** Changed or new summaries, at most twice a second. */
  runs: (changed: RunSummary[]) => void;
  trainers: (t: TrainerSummary[]) => void;
  /** Those being answered come first, then those that wait, the next one first; at most twice a second. */
  questions: (q: QuestionSummary[]) => void;
  /** Something in some run's log that concerns this person. */
  notice: (n: Notice) => void;
  /** From `answeredBy`: somebody has answered what such notices ask for. */
  answered: (asked: string) => void;
  /** Every second: the server's clock, ms since 1970, and what keeps the server from working (/readyz), or null; it also shows that the connection works. */
  time: (t: { now: number; problem: string | null }) => void;
  /** The answer to a message that had no acknowledgement callback. */
  refused: (r: Refusal) => void;
  /** Sent before the server closes the connection, e.g. because frames were not acknowledged: reconnect with the cursor. */
  dropped: (d: { runId: string | null; message: string }) => void;
}

export interface TrainerSummary {
  id: string;
  name: string;
  host: string;
  connected: boolean;
  runId: string | null;
  /** Its own runs that it has open. */
  opened: string[];
  /** Titles of the recipes it offers. */
  recipes: string[];
  /** Memory of its machine. */
  memoryBytes: number;
}

/** Input of tRPC `runs.create`. */
export const createRun = z.strictObject({
  setup: newSetup,
  /** Made by the sender, who then may send the request again when its answer was lost: no second run is started. Left out: the server makes it. */
  runId: runId.optional(),
  /** Entered into the run's log at its start, so that a command for step 0 is in time. An id that is left out is made. */
  commands: z
    .array(
      z.discriminatedUnion('kind', [
        z.strictObject({
          kind: z.literal('set'),
          id: commandId.optional(),
          control: z.string().min(1).max(128),
          value: controlValue,
          when: condition.optional(),
        }),
        z.strictObject({
          kind: z.literal('act'),
          id: commandId.optional(),
          action: z.string().min(1).max(128),
          args: z.record(z.string().max(128), controlValue).optional(),
          when: condition.optional(),
        }),
      ]),
    )
    .max(100)
    .optional(),
  /** The run waits before its first step until somebody resumes it. */
  paused: z.boolean().optional(),
});
export type CreateRun = z.infer<typeof createRun>;

/**
 * Input of tRPC `runs.branch`. The parent is untouched; the branch resumes the checkpoint and waits for a trainer like any run.
 */
export const branchRun = z.strictObject({
  /** The parent run. */
  runId,
  /** Id of the branch, as `runId` of `createRun`. */
  branchId: runId.optional(),
  /** A checkpoint of the parent in force, or null: the current state (the parent's trainer is asked for a checkpoint). */
  checkpoint: blobHash.nullable(),
  name: seen(chosenName(80, 'give the branch a name')),
  /** Applied before the branch's first step. */
  changes: z.array(z.strictObject({ control: z.string().min(1).max(64), value: controlValue })).max(100),
  /** The parent's later commands, repeated at their steps, except `without` ("what if we had not"); null = none of them. */
  repeat: z.strictObject({ without: commandId.nullable() }).nullable(),
});
export type BranchRun = z.infer<typeof branchRun>;
