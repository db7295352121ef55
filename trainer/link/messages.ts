/** Messages between the loop's thread and the link's thread. They are structured clones: typed arrays need no encoding. */
import type { LoggedCommand } from '~/shared/commands';
import type { TrainerEvent } from '~/shared/events';
import type { Assignment, Question, QuestionAnswer, QuestionProgress, Registration } from '~/shared/protocol';

/** Start parameters of the link's thread. */
export interface LinkStart {
  server: string;
  token: string;
  /** The thread's own folder for unsent events; removed at close when everything is sent. */
  spoolFolder: string;
  spoolBytes: number;
  registration: Omit<Registration, 'holding'>;
  /** Int32 x 2, shared: see `gauge`. */
  gauge: SharedArrayBuffer;
}

/** Indices into the shared gauge. */
export const gauge = {
  /** 1 while the spool is full. */
  spoolFull: 0,
  /** Kilobytes posted to the link's thread that it has not spooled yet. */
  queuedKilobytes: 1,
} as const;

/** `run` (see `keyOf`) distinguishes outputs of the held run from late outputs of a dropped run. */
export type ToLink =
  | { type: 'output'; run: string; event: TrainerEvent; blobs: { hash: string; bytes: Uint8Array }[]; kilobytes: number }
  /** The held run's last event has been posted: once all events are committed, the trainer is ready for another run. */
  | { type: 'ended'; run: string }
  /** Lost if the connection is lost: the server then asks again. */
  | { type: 'answer'; answer: QuestionAnswer }
  | { type: 'progress'; progress: QuestionProgress }
  | { type: 'close'; withinMs: number };

export type FromLink =
  | { type: 'assign'; assignment: Assignment }
  | { type: 'command'; logged: LoggedCommand }
  /** Drop the run without another event: another trainer holds it now, or the server cannot accept its events. */
  | { type: 'release'; message: string }
  /** This process can do nothing more for this server. */
  | { type: 'refused'; message: string }
  | { type: 'ask'; question: Question }
  /** null = any question: the connection is lost. */
  | { type: 'forget'; ticket: string | null }
  /** The server has registered this trainer, or has just become unreachable. */
  | { type: 'server'; reached: boolean }
  | { type: 'closed'; unsent: number };

/** The name of an attempt, used for its spool folder and in the messages above. */
export const keyOf = ({ runId, attempt }: { runId: string; attempt: number }): string => `${runId}-${attempt}`;
