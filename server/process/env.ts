import { statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { StartError } from '~/server/base/startError';
import { databaseAddress } from '~/server/store/postgres/address';
import { objectsAddress } from '~/server/store/postgres/objectsAddress';
import { admission, type OidcSettings } from '~/server/team/admission';
import { isLoopback } from '~/server/web/address';
import { backendName } from '~/shared/backends';
import { defaultDataFolder } from '~/shared/dataFolder';

export interface Env {
  port: number;
  host: string;
  /** Absolute. */
  dataFolder: string;
  backend: 'auto' | z.infer<typeof backendName>;
  /** Trainers started beside the server. */
  trainers: 0 | 1;
  /** A login is required even on loopback, e.g. behind a reverse proxy. */
  loginRequired: boolean;
  /** Prefix of the path under which a proxy serves Headroom, e.g. "/headroom"; empty: none. */
  basePath: string;
  logLevel: z.infer<typeof logLevel>;
  /** How long a program that does not use our client may be silent before its run counts as crashed. */
  silentMs: number;
  /** Sign-in at a provider of OpenID Connect; null: invite links only. */
  oidc: OidcSettings | null;
  /** Webhooks may go to this machine and to private networks. */
  privateWebhooks: boolean;
  /** PostgreSQL that several nodes share; null: everything is in the data folder. */
  databaseUrl: string | null;
  /** Bucket of an S3-compatible store for the blobs of several nodes; null: they are in PostgreSQL. */
  blobUrl: string | null;
  /** Where the other nodes reach this one; null: where it listens. */
  address: string | null;
  /** The server that this process relays to more viewers; null: it is a server itself. */
  relayOf: string | null;
}

const logLevel = z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']);

const serverAddress = (name: string, what: string) =>
  z
    .string()
    .refine(
      (url) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol) && new URL(url).pathname === '/',
      `${what} is needed, e.g. ${name}=http://10.0.0.5:3000`,
    )
    .transform((url) => new URL(url).origin);

const schema = z.object({
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, 'a whole number from 0 to 65535 is needed, e.g. PORT=3000 (0 takes a free one)')
    .transform(Number)
    .refine((n) => n <= 65_535, 'a whole number from 0 to 65535 is needed, e.g. PORT=3000 (0 takes a free one)')
    .default(3000),
  HOST: z
    .string()
    .regex(
      /^[A-Za-z0-9.:_-]+$/,
      'a name or address to listen on is needed, e.g. HOST=127.0.0.1 (this machine) or HOST=0.0.0.0 (the network)',
    )
    .default('127.0.0.1'),
  HEADROOM_DATA: z
    .string()
    .refine((s) => !s.includes('\0'), 'a folder is needed')
    // A shell leaves it as it is after "--data=", and a service has no shell: a folder of that name would be made.
    .refine((s) => !/^~([/\\]|$)/.test(s), 'the whole path is needed: only a shell knows what ~ is, and here none has read it')
    .default(defaultDataFolder)
    .transform((folder) => path.resolve(folder)),
  HEADROOM_BACKEND: z
    .enum(['auto', ...backendName.options], { error: `one of auto, ${backendName.options.join(', ')} is needed` })
    .default('auto'),
  HEADROOM_TRAINERS: z
    .enum(['0', '1'], { error: '0 (none; others join with the token) or 1 is needed' })
    .default('1')
    .transform((s) => (s === '1' ? 1 : 0)),
  HEADROOM_LOGIN: z
    .enum(['auto', 'required'], {
      error: 'auto (nobody signs in on loopback) or required (everybody does, e.g. behind a proxy) is needed',
    })
    .default('auto'),
  HEADROOM_BASE_PATH: z
    .string()
    .regex(
      /^(\/[A-Za-z0-9._~-]+)*\/?$/,
      'the path below which a proxy shows Headroom is needed, e.g. HEADROOM_BASE_PATH=/headroom/',
    )
    .transform((path) => path.replace(/\/$/, ''))
    .default(''),
  HEADROOM_OIDC_ISSUER: z
    .url({
      protocol: /^https?$/,
      error: 'the address of the provider is needed, e.g. HEADROOM_OIDC_ISSUER=https://accounts.google.com',
    })
    .refine(
      // Also called with what is no address, which the line above refuses.
      (url) => !URL.canParse(url) || url.startsWith('https:') || isLoopback(new URL(url).hostname.replace(/^\[|\]$/g, '')),
      'a provider on another machine needs an address that begins with https://',
    )
    .optional(),
  HEADROOM_OIDC_CLIENT_ID: z.string().optional(),
  HEADROOM_OIDC_CLIENT_SECRET: z.string().optional(),
  HEADROOM_OIDC_NAME: z.string().trim().min(1, 'a name for the button is needed').max(40, 'at most 40 characters').optional(),
  HEADROOM_OIDC_ALLOW: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((rule) => rule.trim() !== ''))
    .pipe(z.array(admission)),
  HEADROOM_PRIVATE_WEBHOOKS: z
    .enum(['0', '1'], { error: '0 (webhooks go to public addresses only) or 1 is needed' })
    .default('0')
    .transform((s) => s === '1'),
  HEADROOM_SILENT_MINUTES: z
    .string()
    .regex(/^[1-9]\d{0,5}$/, 'a whole number of minutes from 1 to 999999 is needed, e.g. HEADROOM_SILENT_MINUTES=60')
    .transform((minutes) => Number(minutes) * 60_000)
    .default(3_600_000),
  DATABASE_URL: z.string().refine(databaseAddress.fits, databaseAddress.needed).optional(),
  BLOB_URL: z
    .string()
    .superRefine((url, problems) => {
      try {
        objectsAddress(url);
      } catch (error) {
        problems.addIssue({ code: 'custom', message: (error as Error).message });
      }
    })
    .optional(),
  HEADROOM_ADDRESS: serverAddress('HEADROOM_ADDRESS', 'the address at which the other nodes reach this one').optional(),
  HEADROOM_RELAY_OF: serverAddress('HEADROOM_RELAY_OF', 'the address of the server to relay').optional(),
  LOG_LEVEL: z.enum(logLevel.options, { error: `one of ${logLevel.options.join(', ')} is needed` }).default('warn'),
});

/** @throws StartError with one line per invalid variable: name, value, values allowed. An empty variable counts as unset. */
export function readEnv(variables: Record<string, string | undefined>): Env {
  const set = Object.fromEntries(Object.entries(variables).filter(([, v]) => v !== undefined && v !== ''));
  const parsed = schema.safeParse(set);
  if (!parsed.success)
    throw new StartError(
      parsed.error.issues
        .map(({ path: [name], message }) => `${String(name)}=${shown(String(name), set[String(name)])}: ${message}`)
        .join('\n'),
    );
  const e = parsed.data;
  if (e.BLOB_URL !== undefined && e.DATABASE_URL === undefined)
    throw new StartError('BLOB_URL: DATABASE_URL is needed too; a single server keeps its blobs in HEADROOM_DATA');
  if (e.HEADROOM_RELAY_OF !== undefined && e.DATABASE_URL !== undefined)
    throw new StartError(
      'HEADROOM_RELAY_OF: a relay has no database; a node with DATABASE_URL relays by itself while it stands by',
    );
  return {
    port: e.PORT,
    host: e.HOST,
    dataFolder: e.HEADROOM_DATA,
    backend: e.HEADROOM_BACKEND,
    trainers: e.HEADROOM_TRAINERS,
    loginRequired: e.HEADROOM_LOGIN === 'required',
    basePath: e.HEADROOM_BASE_PATH,
    logLevel: e.LOG_LEVEL,
    silentMs: e.HEADROOM_SILENT_MINUTES,
    oidc: oidcOf(e),
    privateWebhooks: e.HEADROOM_PRIVATE_WEBHOOKS,
    databaseUrl: e.DATABASE_URL ?? null,
    blobUrl: e.BLOB_URL ?? null,
    address: e.HEADROOM_ADDRESS ?? null,
    relayOf: e.HEADROOM_RELAY_OF ?? null,
  };
}

/** The files named by HEADROOM_RECIPES, as whole paths. @throws StartError when one is not there: its trainer would not start */
export function recipeFiles(setting: string): string[] {
  const files = setting.split(',').flatMap((file) => (file.trim() === '' ? [] : path.resolve(file.trim())));
  const missing = files.find((file) => !statSync(file, { throwIfNoEntry: false })?.isFile());
  if (missing === undefined) return files;
  throw new StartError(
    `HEADROOM_RECIPES: there is no file ${missing}; give a path from the folder that the program is started in, or a full one`,
  );
}

/** @throws StartError when one of the two variables that belong together is missing */
function oidcOf(e: z.infer<typeof schema>): OidcSettings | null {
  const { HEADROOM_OIDC_ISSUER: issuer, HEADROOM_OIDC_CLIENT_ID: clientId } = e;
  const others = ['HEADROOM_OIDC_CLIENT_ID', 'HEADROOM_OIDC_CLIENT_SECRET', 'HEADROOM_OIDC_NAME'] as const;
  const alone = others.find((name) => e[name] !== undefined) ?? (e.HEADROOM_OIDC_ALLOW.length > 0 && 'HEADROOM_OIDC_ALLOW');
  if (issuer === undefined) {
    if (alone) throw new StartError(`${alone}: HEADROOM_OIDC_ISSUER, the address of the provider, is needed too`);
    return null;
  }
  if (clientId === undefined)
    throw new StartError(
      'HEADROOM_OIDC_ISSUER: HEADROOM_OIDC_CLIENT_ID is needed too; the provider gives it when Headroom is registered there',
    );
  return {
    issuer: new URL(issuer),
    clientId,
    clientSecret: e.HEADROOM_OIDC_CLIENT_SECRET ?? null,
    name: e.HEADROOM_OIDC_NAME ?? new URL(issuer).hostname,
    allow: e.HEADROOM_OIDC_ALLOW,
  };
}

/** The value as it may be printed: an address of a database or a bucket may have a password in it. */
const shown = (name: string, value: string | undefined): string =>
  JSON.stringify(name.endsWith('_URL') ? value?.replace(/:\/\/.*@/, '://***@') : value);
