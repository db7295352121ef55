import { describe, expect, it } from 'vitest';
import { type ControlSpec, controlValueError } from '~/shared/controls';

const spec = (over: Partial<ControlSpec>): ControlSpec => ({
  name: 'clipNorm',
  label: 'Clip norm',
  help: '',
  unit: '',
  type: 'number',
  min: 0,
  max: null,
  exclusiveMin: true,
  exclusiveMax: false,
  options: null,
  nullLabel: null,
  scale: 'log',
  default: 5,
  takesEffect: 'next step',
  group: 'optimizer',
  ...over,
});

describe('a value that does not fit its declaration gets a sentence naming the control and what would fit', () => {
  it.each([
    [{}, 1, null],
    [{}, 0, 'clipNorm: 0 does not fit; give a number > 0'],
    [{}, Number.NaN, 'clipNorm: null does not fit; give a number > 0'],
    [{}, '1', 'clipNorm: "1" does not fit; give a number > 0'],
    [{}, null, 'clipNorm: null does not fit; give a number > 0'],
    [{ nullLabel: 'off' }, null, null],
    [{ nullLabel: 'off' }, -1, 'clipNorm: -1 does not fit; give a number > 0 or null (off)'],
    [{ type: 'integer', exclusiveMin: false, min: 1, max: 9 }, 9, null],
    [{ type: 'integer', exclusiveMin: false, min: 1, max: 9 }, 1.5, 'clipNorm: 1.5 does not fit; give an integer >= 1 and <= 9'],
    [
      { type: 'integer', exclusiveMin: false, min: 1, max: 9, exclusiveMax: true },
      9,
      'clipNorm: 9 does not fit; give an integer >= 1 and < 9',
    ],
    [{ type: 'enum', options: ['a', 'b'] }, 'c', 'clipNorm: "c" does not fit; give one of a, b'],
    [{ type: 'boolean' }, 1, 'clipNorm: 1 does not fit; give true or false'],
    [{ type: 'text' }, 'x', null],
  ] satisfies [Partial<ControlSpec>, Parameters<typeof controlValueError>[1], string | null][])(
    '%o with %o: %s',
    (over, value, error) => {
      expect(controlValueError(spec(over), value)).toBe(error);
    },
  );
});
