/** Messages between the store and its threads. */

export interface WorkerData {
  role: 'writer' | 'reader';
  folder: string;
}

export interface Call {
  /** From 1; 0 answers the thread's start. */
  id: number;
  method: string;
  args: unknown[];
}

export type Answer = { id: number; ok: true; value: unknown } | { id: number; ok: false; error: Failure };

/** A message for people, while the thread starts. */
export type Notice = { notice: string };

/** An error as the arguments of its constructor: classes are lost between threads. */
export type Failure =
  | { name: 'FencedError' | 'StaleHeadError'; args: [runId: string, given: number, stored: number] }
  | { name: 'BudgetError'; args: [numbers: number] }
  | { name: 'Error'; args: [message: string] };
