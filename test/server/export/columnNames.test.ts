import fc from 'fast-check';
import { expect, it } from 'vitest';
import { columnName, seriesName } from '~/server/export/columnNames';

it('a name that is a column of its own, would be a formula, is escaped or would lose its spaces is escaped; others stay', () => {
  const names = ['loss', 'step', 'timeMs', 'Wall Time', 'steps', '=cmd|x', 'a=b', '-minus', 'series:step', ' padded', 'padded '];
  expect(names.map((name) => columnName(name))).toEqual([
    'loss',
    'series:step',
    'series:timeMs',
    'series:Wall Time',
    'steps',
    '=cmd|x',
    'a=b',
    '-minus',
    'series:"series:step"',
    'series:" padded"',
    'series:"padded "',
  ]);
  expect(['=cmd|x', '+1', '-minus', '@a', '#b', 'a=b'].map((name) => columnName(name, true))).toEqual([
    'series:=cmd|x',
    'series:+1',
    'series:-minus',
    'series:@a',
    'series:#b',
    'a=b',
  ]);
});

it('control characters are escaped: a file with NUL in it would be taken for no text', () => {
  for (let code = 0; code < 32; code++) {
    const name = `a${String.fromCharCode(code)}b`;
    expect(columnName(name)).not.toContain(String.fromCharCode(code));
    expect(seriesName(columnName(name))).toBe(name);
  }
});

it('what is no escape that we write is a name as it stands', () => {
  expect(['loss', 'series:"', 'series:"x', 'series:1', 'series:[1]'].map(seriesName)).toEqual([
    'loss',
    'series:"',
    'series:"x',
    '1',
    '[1]',
  ]);
});

it('every name is found again, and no two become one column', () => {
  const odd = fc.oneof(
    fc.string(),
    fc.constantFrom('step', 'STEP', 'timems', 'wall time', '__proto__', 'series:', 'series:"x"', ' ', 'a,"b"\n', '🚀', 'שלום'),
    fc.string().map((name) => `series:${name}`),
  );
  fc.assert(
    fc.property(fc.uniqueArray(odd), fc.boolean(), (names, forSheets) => {
      const columns = names.map((name) => columnName(name, forSheets));
      expect(new Set(columns).size).toBe(names.length);
      expect(columns.map(seriesName)).toEqual(names);
    }),
    { seed: 11 },
  );
});
