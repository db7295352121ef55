import { z } from 'zod';

/** Made by the client that asks for an export or import, so that it can follow and cancel the job from the first byte on. */
export const jobId = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/, 'job: 8 to 64 letters, digits, "-" or "_" are needed');

/** A long job of the server: its progress, or its result. */
export interface JobState {
  id: string;
  kind: 'export' | 'import';
  /** What the job is, in words: "Recorded run as csv". */
  what: string;
  /** The current activity: "reading the log". */
  doing: string;
  done: number;
  /** 0 = not known. */
  total: number;
  unit: 'bytes' | 'entries' | 'rows' | 'series' | 'values';
  status: 'running' | 'done' | 'canceled' | 'failed';
  /** Why it failed; '' otherwise. */
  message: string;
}
