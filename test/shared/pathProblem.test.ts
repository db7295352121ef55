/** The commands on paths that cannot be used: the field, the path and the fix. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { pathProblem } from '~/shared/pathProblem';
import { ownFolder } from '~/test/support/folder';
import { root } from '~/test/support/root';

const folder = ownFolder();
const at = (name: string) => path.join(folder.path, name);
writeFileSync(at('file'), '');
mkdirSync(at('folder'));
afterAll(folder.remove);

const command = (...args: string[]) =>
  new Promise<string>((resolve) =>
    execFile(process.execPath, ['--import', 'tsx', ...args], { cwd: root }, (_, __, stderr) => resolve(stderr)),
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
    expect((await command(file, ...flags, at(name))).trim()).toBe(message.replace('PATH', at(name)));
  });

  it('another code is named, and another error says its own words', () => {
    expect(pathProblem(Object.assign(new Error('x'), { code: 'ELOOP' }), 'read')).toBe('it cannot be read (ELOOP)');
    expect(pathProblem(new Error('row 3 was tampered with'), 'read')).toBe('row 3 was tampered with');
  });
});
