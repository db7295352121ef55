/** What ARCHITECTURE.md says under "Where to add what": the files that name one thing of a kind are the files that a new one touches. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './support/root';

const sources = ['app', 'server', 'shared', 'trainer'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile() && /\.(ts|tsx|mjs|css)$/.test(e.name))
    .map((e) => relative(root, join(e.parentPath, e.name))),
);

const filesThat = (names: RegExp): string[] =>
  sources.filter((file) => names.test(readFileSync(join(root, file), 'utf8'))).sort();

it.each([
  {
    thing: 'a control of the built-in trainer (snapshotDrift)',
    names: /'snapshotDrift'/,
    files: ['trainer/run/controls.ts'],
  },
  {
    thing: 'a metric of the built-in trainer (examplesPerSecond)',
    names: /examplesPerSecond: |'examplesPerSecond'/,
    files: ['trainer/run/rows.ts'],
  },
  { thing: 'an export format (Parquet)', names: /parquet: \{|'parquet'|"parquet"/, files: ['server/export/formats.ts'] },
  {
    thing: 'a panel of the run page (samples)',
    names: /id: 'samples'|samples\/SamplesPanel/,
    files: ['app/_run/shell/panels.ts'],
  },
  {
    thing: 'a recipe of the built-in trainer (reverse)',
    names: /name: 'reverse'|\.\/reverse'/,
    files: ['trainer/recipes/index.ts', 'trainer/recipes/reverse.ts'],
  },
  {
    thing: 'an event (trainer.back), beside the code that emits it',
    names: /'trainer\.back'/,
    files: ['server/runs/room.ts', 'shared/events.ts', 'shared/fold.ts', 'shared/lists.ts'],
  },
  {
    thing: 'a backend (cpu), beside its own file',
    names: /\bcpu: |'\.\/cpu'/,
    files: ['shared/backends.ts', 'trainer/backends/index.ts'],
  },
])('$thing is named in $files alone', ({ names, files }) => {
  expect(filesThat(names)).toEqual(files);
});
