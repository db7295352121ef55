import { expect, it } from 'vitest';
import { media, readStructured } from '~/shared/media';

const sample = { type: 'media', step: 3, name: 'weights' };
const blob = { hash: 'a'.repeat(64), bytes: 3 };
const wrong = (event: object) =>
  media.safeParse({ ...sample, ...event }).error?.issues.map((i) => `${i.path.join('.')}: ${i.message}`)[0];

it('a sample has inline text or a blob, not both, not neither; a picture is a blob', () => {
  expect(wrong({ kind: 'text', text: 'once upon a time' })).toBeUndefined();
  expect(wrong({ kind: 'image', blob })).toBeUndefined();
  expect(wrong({ kind: 'text' })).toContain('either a blob or an inline text');
  expect(wrong({ kind: 'text', text: 'x', blob })).toContain('either a blob or an inline text');
  expect(wrong({ kind: 'image', text: 'x' })).toContain('a picture is a blob');
  expect(wrong({ kind: 'text', text: 'x'.repeat(16_385) })).toContain('text');
});

it('an inline histogram or table is read before it is taken', () => {
  expect(wrong({ kind: 'histogram', text: '{"edges":[0,1,2],"counts":[5,6]}' })).toBeUndefined();
  expect(wrong({ kind: 'histogram', text: '{"edges":[0,1],"counts":[5,6]}' })).toContain('n counts needs n + 1 edges');
  expect(wrong({ kind: 'histogram', text: '{"edges":[0,0,2],"counts":[5,6]}' })).toContain('must ascend');
  expect(wrong({ kind: 'table', text: '{"columns":["a"],"rows":[[1],[null],["x"]]}' })).toBeUndefined();
  expect(wrong({ kind: 'table', text: '{"columns":["a"],"rows":[[1,2]]}' })).toContain('one cell per column');
  expect(wrong({ kind: 'table', text: 'no' })).toContain('not JSON');
});

it('names and cells are data', () => {
  const read = readStructured('table', '{"columns":["__proto__","constructor"],"rows":[["toString",null]]}');
  expect(read).toEqual({ ok: true, value: { columns: ['__proto__', 'constructor'], rows: [['toString', null]] } });
});
