/** The commands on paths that cannot be used: the field, the path and the fix. */
import { type ExecFileOptions, execFile } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openSqliteStore } from '~/server/store/sqlite/open';
import { pathProblem } from '~/shared/pathProblem';
import { ownFolder } from '~/test/support/folder';
import { root } from '~/test/support/root';

const folder = ownFolder();
const at = (name: string) => path.join(folder.path, name);
writeFileSync(at('file'), '');
mkdirSync(at('folder'));
for (const name of ['unread', 'unwritten']) await (await openSqliteStore(at(name))).close();
chmodSync(folder.path, 0o755);
chmodSync(at('unread/headroom.db'), 0);
chmodSync(at('unwritten/headroom.db'), 0o444);
chmodSync(at('unwritten'), 0o555);
afterAll(() => {
  chmodSync(at('unwritten'), 0o755);
  folder.remove();
});
/** The administrator of a machine may read everything. */
const withoutRights = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

const command = (args: string[], options: ExecFileOptions = {}) =>
  new Promise<string>((resolve) =>
    execFile(process.execPath, ['--import', 'tsx', ...args], { cwd: root, ...options }, (_, __, stderr) => resolve(`${stderr}`)),
  );

describe('a path that cannot be used is answered with the field and the fix', () => {
  it.each([
    ['server/audit/verify.ts', [], 'missing', 'verify-audit: FILE PATH: there is no such file or folder; give one that is there'],
    ['server/audit/verify.ts', [], 'file/x', 'verify-audit: FILE PATH: a part of the path is not a folder; give another'],
    ['server/audit/verify.ts', [], 'folder', 'verify-audit: FILE PATH: it is a folder; give a file'],
    [
      'trainer/process/cli.ts',
      ['--resume'],
      'missing',
      '--resume: PATH: there is no such file or folder; give one that is there',
    ],
    [
      'trainer/process/cli.ts',
      ['--recipe', 'reverse', '--out'],
      'missing/x',
      '--out: PATH: its folder is not there; make it first, or give another',
    ],
  ])('%s %j %s', { timeout: 60_000 }, async (file, flags, name, message) => {
    expect((await command([file, ...flags, at(name)])).trim()).toBe(message.replace('PATH', at(name)));
  });

  it.each([
    ['verify', 'file', 'there is no headroom.db in "PATH"; give the data folder of a server (its HEADROOM_DATA)'],
    ['trainer', 'file', 'HEADROOM_DATA PATH/spool: a part of the path is not a folder; give another'],
    ['verify', 'unread', 'PATH/headroom.db: it may not be read by this user; change its rights'],
    ['backup', 'unwritten', 'PATH/headroom.db: this user may read it, but not write the files beside it that reading it needs'],
  ])('headroom %s of a data folder: %s', { timeout: 60_000 }, async (name, data, message) => {
    const env = { ...process.env, HEADROOM_DATA: at(data), HEADROOM_TRAINER_TOKEN: 'a-token-of-tests' };
    const words = name === 'backup' ? [name, at('copy')] : [name];
    expect(await command(['server/process/headroom.ts', ...words], { env, ...withoutRights })).toContain(
      message.replace('PATH', at(data)),
    );
  });

  it('another code is named, and another error says its own words', () => {
    expect(pathProblem(Object.assign(new Error('x'), { code: 'ELOOP' }), 'read')).toBe('it cannot be read (ELOOP)');
    expect(pathProblem(new Error('row 3 was tampered with'), 'read')).toBe('row 3 was tampered with');
  });
});
