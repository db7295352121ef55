import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { root } from '~/test/support/root';

it('npm run setup:tensorflow refuses a flag that is given twice, by name', () => {
  const flags = ['--version', '2.20.0', '--version', '2.21.0'];
  const { status, stderr } = spawnSync('node', ['--import', 'tsx', 'trainer/backends/setupTensorflow.ts', ...flags], {
    cwd: root,
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([1, 'setup:tensorflow: --version is given twice; give it once\n']);
});
