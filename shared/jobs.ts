import { z } from 'zod';

/** Made by whoever asks for an export or import, so that it can be followed and canceled from the first byte on. */
export const jobId = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/, 'job: 8 to 64 letters, digits, "-" or "_" are needed');

/** A large piece of work of the server: how far it is, or how it ended. */
export interface JobState {
  id: string;
  kind: 'export' | 'import';
  /** What it is, in words: "Recorded run as csv". */
  what: string;
  /** What it does now: "reading the log". */
  doing: string;
  done: number;
  /** 0 = not known. */
  total: number;
  unit: 'bytes' | 'entries' | 'rows' | 'series' | 'values';
  status: 'running' | 'done' | 'canceled' | 'failed';
  /** Why it failed; '' otherwise. */
  message: string;
}
