import { expect, it } from 'vitest';
import { numberOf, parseSearch, withTerm, wordsOf } from '~/shared/runSearch';

it('a search is words and terms; quotes keep blanks and commas together, a minus means not', () => {
  expect(parseSearch('Reverse recipe:text,code -tag="my tag, old" lr>=1e-4 "two words"')).toEqual([
    { kind: 'word', not: false, text: 'reverse' },
    { kind: 'field', not: false, key: 'recipe', operator: ':', values: ['text', 'code'], text: 'recipe:text,code' },
    { kind: 'field', not: true, key: 'tag', operator: '=', values: ['my tag, old'], text: '-tag="my tag, old"' },
    { kind: 'field', not: false, key: 'lr', operator: '>=', values: ['1e-4'], text: 'lr>=1e-4' },
    { kind: 'word', not: false, text: 'two words' },
  ]);
});

it('a term that somebody is still typing holds for every run', () => {
  expect(parseSearch('lr> tag:')).toEqual([]);
});

it('a minus alone, and one before a number, are read as they stand', () => {
  expect(parseSearch('a"b=c')).toEqual([{ kind: 'word', not: false, text: 'ab=c' }]);
  expect(parseSearch('- loss<-0.5')).toEqual([
    { kind: 'word', not: false, text: '-' },
    { kind: 'field', not: false, key: 'loss', operator: '<', values: ['-0.5'], text: 'loss<-0.5' },
  ]);
});

it('NaN and infinities are numbers, other words are none', () => {
  expect(['1e-4', '-3', 'NaN', 'inf', '+∞', '-Infinity', '', '  ', 'one', '1x', 'xinf', 'info'].map(numberOf)).toEqual([
    1e-4,
    -3,
    Number.NaN,
    Infinity,
    Infinity,
    -Infinity,
    null,
    null,
    null,
    null,
    null,
    null,
  ]);
});

it('a term is added once, quoted where it must be, and is read back as it was meant', () => {
  const once = withTerm('reverse', 'tag', 'my tag');
  expect(once).toBe('reverse tag="my tag"');
  expect(withTerm(once, 'tag', 'my tag')).toBe(once);
  expect(parseSearch(once).at(-1)).toMatchObject({ key: 'tag', operator: '=', values: ['my tag'] });
  expect(withTerm(' reverse ', 'tag', 'a"b')).toBe('reverse tag="ab"');
  expect(withTerm('', 'tag', 'a-b')).toBe('tag=a-b');
  expect(parseSearch(withTerm('', 'my key:', 'x'))).toMatchObject([{ key: 'my key:', values: ['x'] }]);
  expect(parseSearch(withTerm('', '-key', '-x'))).toMatchObject([{ not: false, key: '-key', values: ['-x'] }]);
});

it('the words of a search are its text without terms and what is left out', () => {
  expect(wordsOf('  Wide "two  words" tag:paper -old lr>1e-4 net')).toBe('wide two  words net');
  expect(wordsOf('tag:paper')).toBe('');
});
