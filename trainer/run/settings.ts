import { availableParallelism, hostname } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import { backendName } from '~/shared/backends';
import { defaultDataFolder } from '~/shared/dataFolder';

/** Settings of a trainer process, read from its environment. */
export interface TrainerSettings {
  /** Origin of the server, e.g. http://127.0.0.1:3000 */
  server: string;
  token: string;
  name: string;
  backend: 'auto' | z.infer<typeof backendName>;
  /** Absolute path of the folder for the spool and prepared data sets. */
  dataFolder: string;
  /** Modules with a team's own recipes, paths separated by commas (trainer/recipes/README.md). */
  recipes: string;
  /** null = the backend's own default. */
  threads: number | null;
  /** Most bytes of unsent events and blobs on disk while the server is unreachable; the loop waits when this is reached. */
  spoolBytes: number;
}

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `a whole number from ${min} to ${max} is needed`)
    .transform(Number)
    .refine((n) => n >= min && n <= max, `a whole number from ${min} to ${max} is needed`);

const environment = z.object({
  HEADROOM_SERVER: z
    .string()
    .default('http://127.0.0.1:3000')
    .refine((text) => {
      const url = URL.canParse(text) ? new URL(text) : null;
      return url !== null && /^https?:$/.test(url.protocol) && !url.search && !url.hash && !url.username;
    }, 'an address like http://127.0.0.1:3000 or https://lab.example/headroom is needed, without a user')
    .transform((text) => new URL(text).href.replace(/\/+$/, '')),
  HEADROOM_TRAINER_TOKEN: z
    .string({
      error:
        'missing; a server sets it for the trainer that it starts, elsewhere give a token of scope trainer from the Team page',
    })
    .regex(/^[\x21-\x7e]{8,512}$/, 'a token of 8 to 512 visible characters is needed'),
  HEADROOM_TRAINER_NAME: z
    .string()
    .max(80, 'at most 80 characters')
    .default(() => hostname().slice(0, 80) || 'trainer'),
  HEADROOM_BACKEND: z
    .enum(['auto', ...backendName.options], { error: `one of auto, ${backendName.options.join(', ')} is needed` })
    .default('auto'),
  HEADROOM_DATA: z
    .string()
    .default(defaultDataFolder)
    .transform((folder) => resolve(folder)),
  HEADROOM_RECIPES: z.string().default(''),
  HEADROOM_THREADS: wholeNumber(1, 1024)
    .refine((n) => n <= 4 * availableParallelism(), `more than four times the ${availableParallelism()} cores here`)
    .optional(),
  HEADROOM_SPOOL_BYTES: wholeNumber(2 ** 20, 2 ** 50).default(2 ** 30),
});

/** @throws Error with one line per invalid variable: its name, its value and what would fit. An empty variable counts as unset. */
export function readSettings(env: Record<string, string | undefined>): TrainerSettings {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = environment.safeParse(set);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => {
      const name = String(issue.path[0]);
      // A token is a secret: the message does not show it.
      const shown = name in set && name !== 'HEADROOM_TRAINER_TOKEN' ? ` is ${JSON.stringify(set[name])}` : '';
      return `${name}${shown}: ${issue.message}`;
    });
    throw new Error(lines.join('\n'));
  }
  const e = parsed.data;
  return {
    server: e.HEADROOM_SERVER,
    token: e.HEADROOM_TRAINER_TOKEN,
    name: e.HEADROOM_TRAINER_NAME,
    backend: e.HEADROOM_BACKEND,
    dataFolder: e.HEADROOM_DATA,
    recipes: e.HEADROOM_RECIPES,
    threads: e.HEADROOM_THREADS ?? null,
    spoolBytes: e.HEADROOM_SPOOL_BYTES,
  };
}
