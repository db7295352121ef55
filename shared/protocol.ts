/** What trainers and the server say to each other: socket.io on paths.trainers, "authorization: Bearer <token>" in the upgrade request. */

import { z } from 'zod';
import { type LoggedCommand, loggedCommand, type Refusal } from './commands';
import { controlValue } from './controls';
import { analysis } from './events';
import { attempt, blobRef, commandId, runId, step } from './ids';
import { recipeSpec } from './recipes';
import { newSetup, runSetup } from './setup';
import type { RunStatus } from './view';

export { paths } from './paths';

/** The version of all messages between viewers, server and trainers: a change that an older peer would misread raises it. */
export const VERSION = 2;

/** The address of one of `paths` on a server, which may itself be below a path: https://lab.example/headroom. */
export const addressAt = (server: string, path: string): URL => new URL(server.replace(/\/+$/, '') + path);

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
