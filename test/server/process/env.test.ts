import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEnv } from '~/server/process/env';

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
      privateWebhooks: false,
      silentMs: 3_600_000,
    });
  });

  it.each<[string, string, RegExp]>([
    ['PORT', '80a', /^PORT="80a": a whole number from 0 to 65535 is needed/],
    ['PORT', '70000', /^PORT="70000": a whole number from 0 to 65535 is needed/],
    ['PORT', '-1', /^PORT="-1": /],
    ['HOST', 'http://x', /^HOST="http:\/\/x": a name or address to listen on is needed/],
    ['HEADROOM_BACKEND', 'cuda', /^HEADROOM_BACKEND="cuda": one of auto, tensorflow, webgpu, wasm, cpu is needed$/],
    ['HEADROOM_TRAINERS', 'yes', /^HEADROOM_TRAINERS="yes": 0 \(none; others join with the token\) or 1 is needed$/],
    [
      'HEADROOM_BASE_PATH',
      'headroom',
      /^HEADROOM_BASE_PATH="headroom": the path below which a proxy shows Headroom is needed, e\.g\. HEADROOM_BASE_PATH=\/headroom\/$/,
    ],
    ['LOG_LEVEL', 'loud', /^LOG_LEVEL="loud": one of fatal, error, warn, info, debug, trace, silent is needed$/],
  ])('%s=%s is refused by name, with what would fit', (name, value, message) => {
    expect(() => readEnv({ [name]: value })).toThrow(message);
  });

  it('every variable that does not fit has its line', () => {
    expect(() => readEnv({ PORT: 'x', LOG_LEVEL: 'y' })).toThrow(/^PORT=.*\nLOG_LEVEL=/);
  });
});
