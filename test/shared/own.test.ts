import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { command } from '~/shared/commands';
import { trainerEvent } from '~/shared/events';
import { parse, stringify } from '~/shared/json';
import { own, put, type Table } from '~/shared/own';
import { table } from '~/shared/ownTable';
import { pack, unpack } from '~/shared/pack';

/** Names that people choose, among them those that a plain object knows already. */
const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'step', 'timeMs', '🚀', 'שלום', '$', '$f64', ''];
const made = (): Table<number> => {
  const out: Table<number> = {};
  for (const [i, name] of names.entries()) put(out, name, i);
  return out;
};

describe('tables by names that people choose', () => {
  it('keep every name as data, and answer nothing that they do not have themselves', () => {
    const all = made();
    expect(Object.keys(all)).toEqual(names);
    expect(names.map((name) => own(all, name))).toEqual(names.map((_, i) => i));
    expect(names.map((name) => own({}, name))).toEqual(names.map(() => undefined));
    expect(Object.getPrototypeOf(all)).toBe(Object.prototype);
  });

  it('go through JSON and packed messages unchanged, whole or one name alone', () => {
    for (const value of [made(), ...names.map((name) => Object.fromEntries([[name, 1]]))])
      for (const back of [parse(stringify(value)), unpack(pack(value))]) {
        expect(Object.entries(back as object)).toEqual(Object.entries(value));
        expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
      }
  });

  it('are checked by key and value, __proto__ too, and the field is named', () => {
    const numbers = table(z.number(), z.string().max(4));
    expect(numbers.safeParse(JSON.parse('{"a":1,"__proto__":"x"}')).error?.issues.map((i) => i.path)).toEqual([
      ['__proto__'],
      ['__proto__'],
    ]);
    expect(Object.keys(numbers.parse(JSON.parse('{"a":1}')))).toEqual(['a']);
    expect(numbers.safeParse([1]).success).toBe(false);
  });

  it('are what events and commands carry', () => {
    const started = trainerEvent.parse({
      type: 'started',
      step: 0,
      device: { device: 'CPU' },
      controls: { values: [], actions: [] },
      values: JSON.parse('{"__proto__":1,"constructor":2}'),
    });
    expect(started.type === 'started' && Object.entries(started.values)).toEqual([
      ['__proto__', 1],
      ['constructor', 2],
    ]);
    const asked = {
      kind: 'act',
      id: 'command-1',
      runId: 'run0001',
      action: 'optimizer/lr_0.warm-up',
      args: JSON.parse('{"__proto__":1}'),
    };
    expect(Object.entries((command.parse(asked) as { args: object }).args)).toEqual([['__proto__', 1]]);
  });
});

describe('an array that stands in several places', () => {
  it('is written once and read back in each, as arrays of their own', () => {
    const steps = Float64Array.from({ length: 1000 }, (_, i) => i / 3);
    const value = { a: { steps }, b: [{ steps }, { other: Int32Array.of(1), steps }] };
    expect(stringify(value).length).toBeLessThan(1.2 * stringify({ steps }).length);
    expect(pack(value).length).toBeLessThan(1.2 * pack({ steps }).length);
    for (const back of [parse(stringify(value)), unpack(pack(value))] as (typeof value)[]) {
      expect(back).toEqual(value);
      expect(back.a.steps).not.toBe((back.b[0] as { steps: Float64Array }).steps);
    }
  });
});
