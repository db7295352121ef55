import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEnv, recipeFiles } from '~/server/process/env';

describe('the environment', () => {
  it('empty means the defaults: this machine, port 3000, .headroom', () => {
    expect(readEnv({ PORT: '', HOST: undefined })).toEqual({
      port: 3000,
      host: '127.0.0.1',
      dataFolder: resolve('.headroom'),
      backend: 'auto',
      trainers: 1,
      loginRequired: false,
      basePath: '',
      logLevel: 'warn',
      oidc: null,
      privateWebhooks: false,
      silentMs: 3_600_000,
      databaseUrl: null,
      blobUrl: null,
      address: null,
      relayOf: null,
    });
  });

  it('a recipe that is not there ends the start: without it the trainer would be started in vain again and again', () => {
    expect(recipeFiles(' package.json,')).toEqual([resolve('package.json')]);
    expect(() => recipeFiles('package.json, sort.recipe.ts')).toThrow(
      `HEADROOM_RECIPES: there is no file ${resolve('sort.recipe.ts')}; give a path from the folder that the program is started in, or a full one`,
    );
  });

  it.each<[string, string, RegExp]>([
    ['PORT', '80a', /^PORT="80a": a whole number from 0 to 65535 is needed/],
    ['PORT', '70000', /^PORT="70000": a whole number from 0 to 65535 is needed/],
    ['PORT', '-1', /^PORT="-1": /],
    ['HOST', 'http://x', /^HOST="http:\/\/x": a name or address to listen on is needed/],
    ['HEADROOM_DATA', '~/runs', /^HEADROOM_DATA="~\/runs": the whole path is needed: only a shell knows what ~ is/],
    ['HEADROOM_BACKEND', 'cuda', /^HEADROOM_BACKEND="cuda": one of auto, tensorflow, webgpu, onnx, wasm, cpu is needed$/],
    ['HEADROOM_TRAINERS', 'yes', /^HEADROOM_TRAINERS="yes": 0 \(none; others join with the token\) or 1 is needed$/],
    [
      'HEADROOM_BASE_PATH',
      'headroom',
      /^HEADROOM_BASE_PATH="headroom": the path below which a proxy shows Headroom is needed, e\.g\. HEADROOM_BASE_PATH=\/headroom\/$/,
    ],
    [
      'DATABASE_URL',
      'mysql://me:secret@db/x',
      /^DATABASE_URL="mysql:\/\/\*\*\*@db\/x": the address of a PostgreSQL database is needed, e\.g\. /,
    ],
    [
      'BLOB_URL',
      's3://key:secret@bucket',
      /^BLOB_URL="s3:\/\/\*\*\*@bucket": the address of a bucket is needed, e\.g\. BLOB_URL=s3:\/\/bucket\/headroom\?endpoint=\S+; keys are given as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY$/,
    ],
    [
      'BLOB_URL',
      's3://bucket?zone=a',
      /^BLOB_URL="s3:\/\/bucket\?zone=a": "zone" is not known; after the \? stand endpoint and region, /,
    ],
    ['BLOB_URL', 's3://b?endpoint=minio:9000', /^BLOB_URL=".*": endpoint: "minio:9000" is not an http or https address, /],
    [
      'HEADROOM_ADDRESS',
      'node1:3000',
      /^HEADROOM_ADDRESS="node1:3000": the address at which the other nodes reach this one is needed/,
    ],
    ['HEADROOM_SILENT_MINUTES', '0', /^HEADROOM_SILENT_MINUTES="0": a whole number of minutes from 1 to 999999 is needed/],
    ['LOG_LEVEL', 'loud', /^LOG_LEVEL="loud": one of fatal, error, warn, info, debug, trace, silent is needed$/],
  ])('%s=%s is refused by name, with what would fit', (name, value, message) => {
    expect(() => readEnv({ [name]: value })).toThrow(message);
  });

  it('a bucket is one of several nodes', () => {
    const BLOB_URL = 's3://lab/team?endpoint=https://s3.lab.example';
    expect(() => readEnv({ BLOB_URL })).toThrow(
      'BLOB_URL: DATABASE_URL is needed too; a single server keeps its blobs in HEADROOM_DATA',
    );
    expect(readEnv({ BLOB_URL, DATABASE_URL: 'postgres://db/x' }).blobUrl).toBe(BLOB_URL);
  });

  it('a relay has the address of its server, and no database', () => {
    expect(readEnv({ HEADROOM_RELAY_OF: 'http://10.0.0.5:3000/' }).relayOf).toBe('http://10.0.0.5:3000');
    expect(() => readEnv({ HEADROOM_RELAY_OF: 'http://lab.example/headroom' })).toThrow(
      'HEADROOM_RELAY_OF="http://lab.example/headroom": the address of the server to relay is needed',
    );
    expect(() => readEnv({ HEADROOM_RELAY_OF: '10.0.0.5' })).toThrow(
      'HEADROOM_RELAY_OF="10.0.0.5": the address of the server to relay is needed, e.g. HEADROOM_RELAY_OF=http://10.0.0.5:3000',
    );
    expect(() => readEnv({ HEADROOM_RELAY_OF: 'http://a', DATABASE_URL: 'postgres://db/x' })).toThrow(
      'HEADROOM_RELAY_OF: a relay has no database; a node with DATABASE_URL relays by itself while it stands by',
    );
  });

  it('a provider for signing in: who is let in, and under which name, or what is missing', () => {
    const variables = {
      HEADROOM_OIDC_ISSUER: 'https://id.lab.example/realms/a',
      HEADROOM_OIDC_CLIENT_ID: 'headroom',
      HEADROOM_OIDC_ALLOW: ' @Lab.example=viewer, group:a=b=operator ,',
    };
    expect(readEnv(variables).oidc).toEqual({
      issuer: new URL('https://id.lab.example/realms/a'),
      clientId: 'headroom',
      clientSecret: null,
      name: 'id.lab.example',
      allow: [
        { who: '@lab.example', role: 'viewer' },
        { who: 'group:a=b', role: 'operator' },
      ],
    });
    const refused = (changes: Record<string, string>) => {
      try {
        readEnv({ ...variables, ...changes });
      } catch (error) {
        return (error as Error).message;
      }
      return null;
    };
    expect(refused({ HEADROOM_OIDC_CLIENT_ID: '' })).toBe(
      'HEADROOM_OIDC_ISSUER: HEADROOM_OIDC_CLIENT_ID is needed too; the provider gives it when Headroom is registered there',
    );
    expect(refused({ HEADROOM_OIDC_ISSUER: '', HEADROOM_OIDC_CLIENT_ID: '' })).toBe(
      'HEADROOM_OIDC_ALLOW: HEADROOM_OIDC_ISSUER, the address of the provider, is needed too',
    );
    expect(refused({ HEADROOM_OIDC_ISSUER: 'id.lab.example' })).toBe(
      'HEADROOM_OIDC_ISSUER="id.lab.example": the address of the provider is needed, e.g. HEADROOM_OIDC_ISSUER=https://accounts.google.com',
    );
    expect(refused({ HEADROOM_OIDC_ISSUER: 'http://id.lab.example' })).toBe(
      'HEADROOM_OIDC_ISSUER="http://id.lab.example": a provider on another machine needs an address that begins with https://',
    );
    expect(refused({ HEADROOM_OIDC_ALLOW: 'lab.example=viewer' })).toBe(
      'HEADROOM_OIDC_ALLOW="lab.example=viewer": each part is WHO=ROLE, where WHO is an e-mail address, @ and a domain, or group: and a name, and ROLE is viewer, operator or admin, e.g. @lab.example=viewer,ada@lab.example=admin',
    );
  });

  it('every variable that does not fit has its line', () => {
    expect(() => readEnv({ PORT: 'x', LOG_LEVEL: 'y' })).toThrow(/^PORT=.*\nLOG_LEVEL=/);
  });
});
