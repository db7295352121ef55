/** Only a recipe's own file knows its name: whatever works for one works for all. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { builtinRecipes } from '~/trainer/recipes';
import { root } from './support/root';

const sources = ['app', 'server', 'shared', 'trainer'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile() && /\.(ts|tsx|mjs)$/.test(e.name))
    .map((e) => relative(root, join(e.parentPath, e.name)))
    .filter((file) => !file.startsWith('trainer/recipes/')),
);

/** Words that mean other things too: "text" is also a kind of control, of field and of sample. Only what is said of a recipe or task counts. */
const common = ['text'];

const named = (line: string, name: string): boolean => {
  const quoted = `['"\`]${name}['"\`]`;
  const said = common.includes(name) ? `(recipe|task)[\\w.?]*\\s*(===?|!==?|:|=|\\()\\s*${quoted}` : quoted;
  return new RegExp(`${said}|recipes/${name}['"]`, 'i').test(line);
};

it.each([
  ["if (view.setup.recipe?.name === 'text') return", true],
  ["import { text } from '~/trainer/recipes/text';", true],
  ["recipe: 'text'", true],
  ["const kind = recipe.kind ?? 'number'; type: 'text'", false],
  ["case 'reverse':", true],
  ['list.reverse()', false],
])('%s names a recipe: %s', (line, expected) => {
  expect(builtinRecipes.some(({ spec }) => named(line, spec.name))).toBe(expected);
});

it('no product file outside trainer/recipes/ names a recipe', () => {
  expect(sources.length).toBeGreaterThan(300);
  const hits = sources.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .flatMap((line, i) =>
        builtinRecipes.some(({ spec }) => named(line, spec.name)) ? [`${file}:${i + 1}: ${line.trim()}`] : [],
      ),
  );
  expect(hits).toEqual([]);
});
