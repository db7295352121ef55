import { expect, it } from 'vitest';
import { candidates, completed } from '~/app/_run/notes/findMentions';
import { mentions } from '~/shared/mentions';

const names = [
  'Ann Lee',
  "Sinéad O'Brien",
  'Robert Downey Jr.',
  'Pho Nguyễn 📱',
  'हिन्दी लेखक',
  'สมชาย ใจดี',
  'דנה כהן (CS)',
  'Jürgen, Lab 3',
  'Nguye\u0302\u0303n', // its accents are characters of their own
];

it.each(names)('the mention of %s that the field offers reaches this person alone', (name) => {
  const typed = `look, @${name.slice(0, 2)}`;
  expect(candidates(names, name.slice(0, 2))).toContain(name);
  const { text } = completed(typed, typed.length, name);
  expect(names.filter((n) => mentions(`${text}please.`, n))).toEqual([name]);
  expect(names.filter((n) => mentions(`${text.trim()}...`, n))).toEqual([name]);
});

it('a name without a letter or a digit is not offered, and nobody is mentioned by a lone "@"', () => {
  expect(candidates(['📱', 'Ann Lee'], '')).toEqual(['Ann Lee']);
  expect(mentions('meet @... or @ 9', '📱')).toBe(false);
});

it('accents count the same in both of their spellings', () => expect(mentions('@Nguyễn', 'Nguye\u0302\u0303n')).toBe(true));
