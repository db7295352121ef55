import { z } from 'zod';
import { type Command, type CommandAnswer, condition, type LoggedCommand, loggedCommand, type Refusal } from './commands';
import { controlValue } from './controls';
import { analysis, type Entry } from './events';
import { type Actor, attempt, blobHash, blobRef, commandId, runId, step } from './ids';
import type { Notice } from './notices';
import { recipeSpec } from './recipes';
import { runSetup } from './setup';
import type { RunSummary } from './summary';
import type { RunStatus, RunView } from './view';

export { paths } from './paths';

/** The messages between the parts, each once. A change that an older peer would misread raises VERSION. */
export const VERSION = 2;

/** The address of one of `paths` on a server, which may lie below a path of its own: https://lab.example/headroom. */
export const addressAt = (server: string, path: string): URL => new URL(server.replace(/\/+$/, '') + path);

// ---- trainer <-> server: socket.io on paths.trainers, "authorization: Bearer <token>" in the upgrade request ----

/** An attempt that the process goes on with. */
export const holding = z.strictObject({
  runId,
  attempt,
  /** Highest command seq it has received. */ lastCommandSeq: z.int().nonnegative(),
});
export type Holding = z.infer<typeof holding>;

/** Asks for the run of a key: a new run of its own, or (`resume`) a new attempt of the run that has the key. */
export const openRequest = z.strictObject({
  /** Names the run for the script that owns it: chosen, or made once and kept. No control characters. */
  key: z.string().regex(/^[^\p{Cc}]{8,128}$/u, 'key: 8 to 128 letters without control characters'),
  setup: runSetup.extend({ recipe: z.null('a run that a script opens has no recipe').default(null) }),
  /** `never`: the key must be new. `must`: it must be known. */
  resume: z.enum(['never', 'allow', 'must']).default('never'),
  /** The new run goes on from this step of another. */
  fork: z.strictObject({ runId, step }).optional(),
});
export type OpenRequest = z.infer<typeof openRequest>;

/** `state`: where the run was left: its step and its status before this attempt (`queued`: it is new). */
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

/** A run whose process has been silent for so long has crashed: people see it within 30 s. */
export const CRASHED_MS = 28_000;

/** Runs that one process may hold at a time. */
export const MAX_HELD = 256;

/** Sent on every (re)connection. `holding` are the runs that this process has, so that the link goes on where it was. */
export const registration = z.strictObject({
  version: z.int(),
  /** Made by the process at start: the same over reconnections, new after a restart. */
  trainerId: z.string().regex(/^[A-Za-z0-9_-]{8,64}$/),
  name: z.string().min(1).max(80),
  host: z.string().max(255),
  pid: z.int().positive(),
  /** What it computes on, in words: "NVIDIA H100", "8 CPU cores". */
  device: z.string().max(300).optional(),
  /** "PyTorch 2.9, Python 3.13" */
  software: z.string().max(300).optional(),
  /** What it can train; none for a script that only opens runs of its own. */
  recipes: z.array(recipeSpec).max(100),
  memoryBytes: z.int().positive(),
  /** Takes questions about checkpoints (`ask`), also while it trains. */
  answers: z.boolean().optional(),
  holding: z.array(holding).max(MAX_HELD),
});
export type Registration = z.infer<typeof registration>;

/** What the server makes of one of `holding`: go on from event number `nextEvent`; or the run is no longer this process's, and why. */
export type HoldingAnswer =
  /** `commands`: every command that is not answered yet, in order, those included that the process has heard of. */
  | { runId: string; attempt: number; ok: true; nextEvent: number; commands: LoggedCommand[] }
  | { runId: string; attempt: number; ok: false; message: string };

/** One answer for each of `holding`, in the same order. */
export type RegistrationAnswer = { ok: true; holding: HoldingAnswer[] } | Refusal;

/** Events of a batch at most. */
export const MAX_BATCH_EVENTS = 4096;

/**
 * Events of one attempt, numbered by the trainer from 0; sent packed (pack.ts), re-sent until answered. Each event is read for itself (trainerEvents.ts): one that
 * does not fit takes its numbers and is set aside with an alert, and the others are kept.
 */
export const eventBatch = z.strictObject({
  runId,
  attempt,
  from: z.int().nonnegative(),
  events: z.array(z.unknown()).min(1).max(MAX_BATCH_EVENTS),
});
export type EventBatch = z.infer<typeof eventBatch>;

/**
 * ok: everything below `nextEvent` is committed. `gap`: the server lacks what came before: send from `nextEvent`. `fenced`: a later attempt exists, stop.
 * `missing-blob`: store the blob `hash` first. `invalid`: this is no batch.
 */
export type BatchAnswer =
  | { ok: true; nextEvent: number }
  | { ok: false; reason: 'gap'; nextEvent: number; message: string }
  | { ok: false; reason: 'missing-blob'; hash: string; message: string }
  | { ok: false; reason: 'fenced' | 'invalid' | 'unavailable'; message: string };

/** A run to train: from the start, or from a checkpoint with the commands that had taken effect after it, to apply again at their recorded step. */
export const assignment = z.strictObject({
  runId,
  attempt,
  setup: runSetup,
  resume: z.strictObject({ step, blob: blobRef, replay: z.array(z.strictObject({ logged: loggedCommand, step })) }).nullable(),
  /** Commands not yet answered, in order. */
  commands: z.array(loggedCommand),
});
export type Assignment = z.infer<typeof assignment>;

/**
 * A question about the parameters of a checkpoint, whatever has become of its run. It is answered beside training: one forward pass between two updates. A
 * trainer has one at a time; at a new connection it forgets what it was asked.
 */
export const question = z.strictObject({
  /** Names this handing-over: what comes for an earlier one is ignored. */
  ticket: z.string().min(1).max(64),
  runId,
  commandId,
  /** As the run was created; what was steered since is in the checkpoint. */
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
  /** The run's. */
  name: string;
  commandId: string;
  action: string;
  /** The action's, in words. */
  label: string;
  actor: Actor;
  /** Step of the checkpoint. */
  step: number;
  /** Whoever answers it; null = it waits. */
  trainer: string | null;
  /** Why it waits although trainers are here; null = it is only not its turn. */
  why: string | null;
  done: number;
  of: number;
}

/** A process says something at least this often. */
export const HEARTBEAT_MS = 5_000;

/** What the trainer keeps in its spool until the server has taken it. */
export const heartbeat = z.object({ spoolBytes: z.int().nonnegative() });
export type Heartbeat = z.infer<typeof heartbeat>;

export interface TrainerToServer {
  register: (r: Registration, answer: (a: RegistrationAnswer) => void) => void;
  /** Idle and able to take a run. Sent after registration and after each run's last event is committed. */
  ready: () => void;
  open: (r: z.input<typeof openRequest>, answer: (a: OpenAnswer) => void) => void;
  close: (r: { runId: string; attempt: number }, answer: (a: { ok: true } | Refusal) => void) => void;
  /** "I am alive", every HEARTBEAT_MS when nothing else was sent. */
  heartbeat: (state?: Heartbeat) => void;
  events: (batch: Uint8Array, answer: (a: BatchAnswer) => void) => void;
  progress: (p: QuestionProgress) => void;
  /** A packed QuestionAnswer: its numbers may be none. */
  answer: (packed: Uint8Array) => void;
}

export interface ServerToTrainer {
  assign: (a: Assignment) => void;
  command: (c: LoggedCommand & { runId: string }) => void;
  /** Drop the run without another event: a later attempt owns it, or it was deleted. */
  release: (r: { runId: string; attempt: number; message: string }) => void;
  ask: (q: Question) => void;
  /** Called off. */
  forget: (f: { ticket: string }) => void;
}

// ---- viewer <-> server: socket.io on paths.viewers, websocket only ----

/** Where a viewer stands in a log. */
export const cursor = z.strictObject({ attempt, seq: z.int().nonnegative() });
export type Cursor = z.infer<typeof cursor>;

export const watchRequest = z.strictObject({ runId, cursor: cursor.nullable() });
export type WatchRequest = z.infer<typeof watchRequest>;

/**
 * Answer to `watch`: with a usable cursor frames follow from cursor.seq + 1 (`view` null); otherwise `view` is the run at view.seq and frames follow from there.
 * `view` is packed.
 */
export type WatchAnswer = { ok: true; view: Uint8Array | null; you: Actor } | Refusal;

/**
 * Log entries from .. to, packed, at display rate; the viewer answers each, and at most two are unanswered. `entries` are in order; step rows that a slow
 * viewer missed are left out and named in `skippedSteps` [first, last], to be read by range. from = last to + 1, else watch again.
 */
export interface Frame {
  runId: string;
  attempt: number;
  from: number;
  to: number;
  entries: Entry[];
  skippedSteps: [number, number] | null;
  /** Set when rows were skipped: the view's step and latest row at `to`, which the entries alone no longer give. */
  caughtUp: Pick<RunView, 'step' | 'streams'> | null;
}

export interface Watcher {
  actor: Actor;
  /** Tabs of this person on this run. */
  tabs: number;
}

const place = z.int().nonnegative();

/** Where somebody looks on a run's page. Shared by those who wish to, kept only while they are there. */
export const look = z.strictObject({
  /** At the newest step, whatever it is. */
  live: z.boolean(),
  step,
  zoom: z.tuple([z.number().nonnegative().finite(), z.number().nonnegative().finite()]).nullable(),
  /** The head, cell or token pointed at. */
  spot: z
    .strictObject({ layer: place.nullable(), head: place.nullable(), query: place.nullable(), key: place.nullable() })
    .nullable(),
  /** "Follow me." */
  leads: z.boolean(),
});
export type Look = z.infer<typeof look>;
export const lookMessage = z.strictObject({ runId, look: look.nullable() });

/** `tab` names one connection of somebody. */
export interface Looking {
  tab: string;
  actor: Actor;
  look: Look;
}

export interface ViewerToServer {
  watch: (r: WatchRequest, answer: (a: WatchAnswer) => void) => void;
  unwatch: (r: { runId: string }) => void;
  /** Changed lines of the list of runs follow as `runs`, and the trainers as `trainers`. The list itself is read by pages: `runs.table`. */
  watchRuns: (answer: (a: { ok: true; you: Actor } | Refusal) => void) => void;
  unwatchRuns: () => void;
  command: (c: Command, answer: (a: CommandAnswer) => void) => void;
  /** Of a run that this connection watches; null = no longer shared. */
  look: (l: { runId: string; look: Look | null }) => void;
}

export interface ServerToViewer {
  frame: (frame: Uint8Array, ack: () => void) => void;
  /** Everyone watching the run, whenever that changes. */
  watchers: (w: { runId: string; watchers: Watcher[] }) => void;
  /** Everyone who shares where they look, oneself included; at most ten times a second. */
  looks: (l: { runId: string; looks: Looking[] }) => void;
  /** Who you are from now on: your name or role was changed. */
  you: (you: Actor) => void;
  /** Changed or new summaries, at most twice a second. */
  runs: (changed: RunSummary[]) => void;
  trainers: (t: TrainerSummary[]) => void;
  /** Something in some run's log that asks for this person. */
  notice: (n: Notice) => void;
  /** Every second: the server's clock, ms since 1970, and the sign that the connection still carries something. */
  time: (t: { now: number }) => void;
  /** What a message that carried no way to answer got. */
  refused: (r: Refusal) => void;
  /** Before the connection is ended from the server's side, e.g. because frames stayed unanswered: come back with the cursor. */
  dropped: (d: { runId: string | null; message: string }) => void;
}

export interface TrainerSummary {
  id: string;
  name: string;
  host: string;
  connected: boolean;
  runId: string | null;
  /** Runs of its own that it has open. */
  opened: string[];
  /** Titles of the recipes it offers. */
  recipes: string[];
  /** Of its machine. */
  memoryBytes: number;
}

/** What starting a run takes (tRPC `runs.create`). */
export const createRun = z.strictObject({
  setup: runSetup,
  /** In the run's log from its first entry on, so that one meant for step 0 is in time. An id that is left out is made. */
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
  /** It waits before its first step until somebody resumes it. */
  paused: z.boolean().optional(),
});
export type CreateRun = z.infer<typeof createRun>;

/** What branching a run takes (tRPC `runs.branch`). The parent is untouched; the branch resumes the checkpoint and waits for a trainer like any run. */
export const branchRun = z.strictObject({
  /** The parent. */
  runId,
  /** A checkpoint of the parent in force, or null: of now (the parent's trainer is asked for one). */
  checkpoint: blobHash.nullable(),
  name: z.string().trim().min(1, 'give the branch a name').max(80),
  /** Applied before the branch's first step. */
  changes: z.array(z.strictObject({ control: z.string().min(1).max(64), value: controlValue })).max(100),
  /** The parent's later commands, repeated at their steps, but for `without` ("what if we had not"); null = none of them. */
  repeat: z.strictObject({ without: commandId.nullable() }).nullable(),
});
export type BranchRun = z.infer<typeof branchRun>;
