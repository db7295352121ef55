/** The server as tests start it: on a free port, in its own folder, without pages and trainer unless requested. */
import { type App, type AppOptions, createApp } from '~/server/process/app';
import { ownFolder } from './folder';
import type { Address } from './trainerClient';

export interface TestApp extends App {
  dataFolder: string;
  /** For TrainerClient. */
  address: Address;
  /** The logged warnings and errors, except delayed commits on a busy machine; a test can assert that there are none. */
  trouble: string[];
  /** Closes the server; deletes the folder if it was made here. */
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
