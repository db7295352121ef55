import type { HeadroomClient, Server } from './client';

export interface ToolHost {
  server: Server;
  client: HeadroomClient;
  /** Resolves after `ms`. */
  pause(ms: number): Promise<void>;
}

/** An answer as JSON text that an agent can read: arrays of numbers as lists, NaN and infinities as texts. */
export const answer = (value: unknown) => ({ content: [{ type: 'text' as const, text: JSON.stringify(value, readable) }] });
const readable = (_key: string, value: unknown): unknown =>
  ArrayBuffer.isView(value)
    ? Array.from(value as Float64Array)
    : typeof value === 'number' && !Number.isFinite(value)
      ? String(value)
      : value;
