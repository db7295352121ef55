/** The trainer that a server keeps running beside it, and which of them have ended for good. */
import { hostname } from 'node:os';
import type { Log } from '~/server/base/log';
import type { OpenHub } from '~/server/runs/hub';
import type { Store } from '~/server/store';
import { startTrainerProcess } from './trainerProcess';

const goneKey = 'trainers.gone';
/** A trainer that died and was replaced never returns; remembering the last ones is enough. */
const goneKept = 100;

/** Trainers that are known to have ended, so that their runs need not wait for them after a restart. */
export async function goneTrainers(store: Store): Promise<Set<string>> {
  return new Set<string>(JSON.parse((await store.setting(goneKey)) ?? '[]'));
}

export interface OwnTrainerOptions {
  /** Node arguments, the entry file last. */
  args: string[];
  /** Its working folder. */
  folder: string;
  backend: string;
  /** Where it reaches the server. */
  origin: string;
  token: string;
  dataFolder: string;
  /** Of `goneTrainers`; those that end are added. */
  gone: Set<string>;
  hub: OpenHub;
  store: Store;
  log: Log;
  onError(error: unknown): void;
}

export interface OwnTrainer {
  /** null while it is down. */
  pid(): number | null;
  /** Ends it within this time, and remembers that it will not come back. */
  stop(withinMs: number): Promise<void>;
}

export function startOwnTrainer(options: OwnTrainerOptions): OwnTrainer {
  const { gone, hub, store, log, onError } = options;
  const remember = async (ids: string[]) => {
    for (const id of ids) gone.add(id);
    await store.setSetting(goneKey, JSON.stringify([...gone].slice(-goneKept)));
  };
  const child = startTrainerProcess({
    args: options.args,
    folder: options.folder,
    env: {
      HEADROOM_SERVER: options.origin,
      HEADROOM_TRAINER_TOKEN: options.token,
      HEADROOM_TRAINER_NAME: 'local',
      HEADROOM_BACKEND: options.backend,
      HEADROOM_DATA: options.dataFolder,
      HEADROOM_PARENT: String(process.pid),
    },
    log: (line) => log.info({ from: 'trainer' }, line),
    onDeath(pid, message) {
      log.warn({ pid }, message);
      // Without the delay in the message, so that a repeated death for the same reason gives the same message.
      hub.registry.neverCame(message.replace(/; it is started again.*$/, '')).catch(onError);
      remember(hub.registry.died(hostname(), pid, message)).catch(onError);
    },
  });
  return {
    pid: child.pid,
    async stop(withinMs) {
      const ids = hub.registry.processes(hostname(), child.pid() ?? -1);
      await child.stop(withinMs);
      await remember(ids);
    },
  };
}
