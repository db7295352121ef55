/** The server as tests start it: on a free port, in a folder of its own, without pages and trainer unless asked for. */
import { type App, type AppOptions, createApp } from '~/server/process/app';
import { ownFolder } from './folder';
import type { Address } from './trainerClient';

export interface TestApp extends App {
  dataFolder: string;
  /** For TrainerClient. */
  address: Address;
  /** What it logged as warning or error, but for commits that a busy machine delays; a test that expects none can say so. */
  trouble: string[];
  /** Closes it; the folder goes too if it was made here. */
  close(): Promise<void>;
}

export async function startApp(changes: Partial<AppOptions> = {}): Promise<TestApp> {
  const folder = changes.dataFolder === undefined ? ownFolder() : null;
  const dataFolder = changes.dataFolder ?? folder!.path;
  const trouble: string[] = [];
  const note = (_details: object, message: string) => {
    if (!message.startsWith('slow commit:')) trouble.push(message);
  };
  const app = await createApp({
    dataFolder,
    host: '127.0.0.1',
    port: 0,
    version: 'test',
    pages: null,
    trainer: null,
    firstRuns: false,
    log: { info: () => {}, warn: note, error: note },
    ...changes,
  });
  return {
    ...app,
    dataFolder,
    trouble,
    address: { url: app.url, token: app.trainerToken },
    async close() {
      await app.close();
      folder?.remove();
    },
  };
}
