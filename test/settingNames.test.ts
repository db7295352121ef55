import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { settingNames, unknownSettings } from '~/shared/settingNames';
import { root } from './support/root';

const files = execFileSync('git', ['ls-files', 'app', 'server', 'shared', 'trainer', 'next.config.mjs'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => /\.(ts|tsx|mjs|py)$/.test(file) && file !== 'shared/settingNames.ts');
const namesIn = (file: string) => readFileSync(join(root, file), 'utf8').match(/\bHEADROOM_[A-Z0-9_]*[A-Z0-9]\b/g) ?? [];

it('every setting that the code reads or names is in the list, and nothing else is', () => {
  const named = new Set(files.flatMap(namesIn));
  // Replaced at build time; no environment variable.
  named.delete('HEADROOM_VERSION');
  expect([...named].sort()).toEqual([...settingNames].sort());
});

it('the Python client knows the same names', () => {
  expect([...new Set(namesIn('trainer/python/headroom/settings.py'))].sort()).toEqual([...settingNames].sort());
});

it('a variable that nothing reads is named, with the names that there are; others are left alone', () => {
  const [line, ...more] = unknownSettings({ HEADROOM_LOGN: 'required', HEADROOM_PAGES: 'x', PORT: '1', HEADROOMS: '' });
  expect(more).toEqual([]);
  expect(line).toMatch(
    /^HEADROOM_LOGN: there is no such setting, so it has no effect; check its spelling: there are HEADROOM_ADDRESS, [A-Z0-9_, ]+, HEADROOM_TRAINER_TOKEN$/,
  );
  expect(line).not.toContain('HEADROOM_PAGES');
});
