/** The wall clock may jump: it says when something was, not how long it took. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { root } from './support/root';

it('nothing is measured or waited for by the difference of two times of the wall clock', () => {
  const files = execFileSync('git', ['ls-files', 'app', 'server', 'trainer', 'shared'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((file) => /\.tsx?$/.test(file));
  expect(files.length).toBeGreaterThan(500);
  expect(files.filter((file) => /Date\.now\(\) -|- Date\.now\(\)/.test(readFileSync(`${root}/${file}`, 'utf8')))).toEqual([]);
});
