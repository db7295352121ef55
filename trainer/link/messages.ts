/** What passes between the loop's thread and the link's. Structured clones: typed arrays cross as they are. */
import type { LoggedCommand } from '~/shared/commands';
import type { TrainerEvent } from '~/shared/events';
import type { Assignment, Question, QuestionAnswer, QuestionProgress, Registration } from '~/shared/protocol';

/** What the link's thread is started with. */
export interface LinkStart {
  server: string;
  token: string;
  /** Its own folder for unsent events; removed when it closes with everything sent. */
  spoolFolder: string;
  spoolBytes: number;
  registration: Omit<Registration, 'holding'>;
  /** Int32 x 2, shared: see `gauge`. */
  gauge: SharedArrayBuffer;
}

/** Places in the shared gauge. */
export const gauge = {
  /** 1 while the spool is at its bound. */
  spoolFull: 0,
  /** Kilobytes posted to the link's thread that it has not spooled yet. */
  queuedKilobytes: 1,
} as const;

/** `run` (see `keyOf`) tells outputs of the held run from those of one that was dropped while they were on their way. */
export type ToLink =
  | { type: 'output'; run: string; event: TrainerEvent; blobs: { hash: string; bytes: Uint8Array }[]; kilobytes: number }
  /** The held run's last event has been posted: become ready once all is committed. */
  | { type: 'ended'; run: string }
  /** Lost when the connection is: the server asks again. */
  | { type: 'answer'; answer: QuestionAnswer }
  | { type: 'progress'; progress: QuestionProgress }
  | { type: 'close'; withinMs: number };

export type FromLink =
  | { type: 'assign'; assignment: Assignment }
  | { type: 'command'; logged: LoggedCommand }
  /** Drop the run without another event: it is somebody else's now, or the server cannot take its events. */
  | { type: 'release'; message: string }
  /** This process can do nothing more for this server. */
  | { type: 'refused'; message: string }
  | { type: 'ask'; question: Question }
  /** null = whatever was asked: the connection is gone. */
  | { type: 'forget'; ticket: string | null }
  /** The server has registered this trainer, or is out of reach since now. */
  | { type: 'server'; reached: boolean }
  | { type: 'closed'; unsent: number };

/** An attempt's name: of its spool's folder, and in the messages above. */
export const keyOf = ({ runId, attempt }: { runId: string; attempt: number }): string => `${runId}-${attempt}`;
