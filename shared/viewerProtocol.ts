/** What viewers and the server say to each other: socket.io on paths.viewers, with viewerParser.ts. */

import { z } from 'zod';
import type { Command, CommandAnswer, Refusal } from './commands';
import type { Entry } from './events';
import { type Actor, attempt, runId, step } from './ids';
import type { Notice } from './notices';
import type { RunSummary } from './summary';
import type { RunView } from './view';
import type { Watching } from './watching';

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
