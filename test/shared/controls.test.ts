import { describe, expect, it } from 'vitest';
import type { ActionSpec, ControlSpec } from '~/shared/controls';
import { describe as accepted, actionWithRole, controlValueError, controlWithRole, unusual } from '~/shared/controlValues';

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
    [{ min: null }, -1e300, null],
    [{}, 1.5, null],
    [{}, '', 'clipNorm: "" does not fit; give a number > 0'],
    [{ type: 'integer', exclusiveMin: false, min: 1, max: 9 }, 1, null],
    [{ type: 'integer', exclusiveMin: false, min: 1, max: 9 }, 9, null],
    [{ type: 'integer', exclusiveMin: false, min: 1, max: 9 }, 10, 'clipNorm: 10 does not fit; give an integer >= 1 and <= 9'],
    [{ type: 'integer', exclusiveMin: false, min: 1, max: 9 }, 1.5, 'clipNorm: 1.5 does not fit; give an integer >= 1 and <= 9'],
    [
      { type: 'integer', exclusiveMin: false, min: 1, max: 9, exclusiveMax: true },
      9,
      'clipNorm: 9 does not fit; give an integer >= 1 and < 9',
    ],
    [{ max: 9, exclusiveMax: true }, 8.5, null],
    [{ max: 9 }, 9.5, 'clipNorm: 9.5 does not fit; give a number > 0 and <= 9'],
    [{ type: 'enum', options: ['a', 'b'] }, 'b', null],
    [{ type: 'enum', options: ['a', 'b'] }, 'c', 'clipNorm: "c" does not fit; give one of a, b'],
    [{ type: 'enum', options: ['1', 'b'] }, 1, 'clipNorm: 1 does not fit; give one of 1, b'],
    [{ type: 'boolean' }, false, null],
    [{ type: 'boolean' }, 1, 'clipNorm: 1 does not fit; give true or false'],
    [{ type: 'boolean' }, null, 'clipNorm: null does not fit; give true or false'],
    [{ type: 'text' }, '', null],
    [{ type: 'text' }, 7, 'clipNorm: 7 does not fit; give text'],
    [{ type: 'text' }, null, 'clipNorm: null does not fit; give text'],
  ] satisfies [Partial<ControlSpec>, Parameters<typeof controlValueError>[1], string | null][])(
    '%o with %o: %s',
    (over, value, error) => {
      expect(controlValueError(spec(over), value)).toBe(error);
    },
  );
});

it('a control accepts what its declaration says, in words', () => {
  expect(
    [{}, { min: null }, { type: 'integer' as const, min: null, max: 9 }, { max: 9, exclusiveMin: false }].map((over) =>
      accepted(spec(over)),
    ),
  ).toEqual(['a number > 0', 'a number', 'an integer <= 9', 'a number >= 0 and <= 9']);
});

it('a control or an action is found by its role, whatever its name; undefined where none has it', () => {
  const action = (name: string, role?: ActionSpec['role']): ActionSpec => ({
    name,
    label: '',
    help: '',
    args: [],
    risky: false,
    role,
  });
  const declared = {
    values: [spec({ name: 'lr' }), spec({ name: 'warm', role: 'epochs' }), spec({ name: 'rate', role: 'learningRate' })],
    actions: [action('pause'), action('halt', 'stop'), action('rest', 'pause')],
  };
  expect([controlWithRole(declared, 'learningRate')?.name, controlWithRole(declared, 'batchSize')]).toEqual(['rate', undefined]);
  expect([actionWithRole(declared, 'pause')?.name, actionWithRole(declared, 'revert')]).toEqual(['rest', undefined]);
});

describe('an unusual value', () => {
  const usual: ControlSpec['usual'] = [1e-5, 0.01];
  it.each([
    // 0.05 / 0.0005
    [{ usual }, 0.05, 0.0005, '× 100 of now; usually 0.00001 to 0.01'],
    [{ usual, unit: 's' }, 1_250_000_000, 0.0005, '× 2,500,000,000,000 of now; usually 0.00001 to 0.01 s'],
    [{ usual }, 0.01, 0.00001, null],
    [{ usual }, 0.00001, 0.01, null],
    [{ usual }, 0.000009, 0.00001, '× 0.9 of now; usually 0.00001 to 0.01'],
    [{ usual }, 0.05, 0.05, 'usually 0.00001 to 0.01'],
    [{ usual }, 0.05, null, 'usually 0.00001 to 0.01'],
    [{ usual }, 0.05, 0, 'usually 0.00001 to 0.01'],
    [{ usual }, 0, 0.001, 'usually 0.00001 to 0.01'],
    [{}, 0.05, 0.0005, '× 100 of now'],
    [{}, 0.0005, 0.05, '× 0.01 of now'],
    [{}, -0.05, 0.0005, '× -100 of now'],
    [{}, -0.0005, 0.05, '× -0.01 of now'],
    [{}, 0.004, 0.0005, null],
    [{}, 0.0005, 0.004, null],
    [{}, 0, 0.0005, null],
    [{}, 100, 0, null],
    [{}, 0.05, null, null],
    [{}, 'high', 0.0005, null],
    [{}, 100, '1', null],
  ])('%# is told by its factor and the usual range', (over, value, current, words) => {
    expect(unusual(spec(over), value, current)).toBe(words);
  });
});
