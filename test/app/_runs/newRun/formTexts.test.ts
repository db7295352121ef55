import { describe, expect, it } from 'vitest';
import { configOf, isShown, type Texts, textsOf } from '~/app/_runs/newRun/formTexts';
import { fieldsOf } from '~/shared/recipeFields';
import type { JsonSchema } from '~/shared/recipes';
import type { Config } from '~/shared/setup';
import { everyKind, everyKindConfig } from '~/test/support/everyKind';

const fields = fieldsOf(everyKind);
const typed = (changes: Record<string, string>): Texts =>
  new Map([...textsOf(fields, everyKindConfig), ...Object.entries(changes)]);
const field = (path: string) => fields.find((f) => f.path === path)!;

describe('the form as texts', () => {
  it('a config comes back from its texts as it was', () => {
    expect(configOf(fields, textsOf(fields, everyKindConfig))).toEqual(everyKindConfig);
    const other: Config = {
      ...everyKindConfig,
      flip: false,
      patience: 7,
      startFrom: 'a'.repeat(64),
      extra: { deep: [1, { '__proto__ ': null }] },
      schedule: { kind: 'constant' },
      noise: { share: 0.25 },
    };
    expect(configOf(fields, textsOf(fields, other))).toEqual(other);
  });

  it('what cannot be read as its kind is sent as it was typed, for the server to say what would fit', () => {
    const config = configOf(
      fields,
      typed({ seed: 'many', rate: '', betas: '0.9, x', extra: '{', shuffle: 'false', patience: ' 3 ', label: ' a ' }),
    );
    expect(config).toEqual({
      ...everyKindConfig,
      seed: 'many',
      rate: '',
      betas: [0.9, 'x'],
      extra: '{',
      shuffle: false,
      patience: 3,
      label: ' a ',
    });
  });

  it('an empty field is null where null has a meaning, is left out where it may be, and is empty otherwise', () => {
    const config = configOf(fields, typed({ patience: '', extra: '', betas: '', label: '' }));
    expect([config.patience, 'extra' in config, config.betas, config.label]).toEqual([null, false, [], '']);
  });

  it('another kind of a union has its own settings; an optional group is there when it is switched on', () => {
    expect(configOf(fields, typed({ 'schedule.kind': 'constant' })).schedule).toEqual({ kind: 'constant' });
    expect(configOf(fields, typed({})).noise).toBeUndefined();
    expect(configOf(fields, typed({ noise: 'true', 'noise.share': '0.5' })).noise).toEqual({ share: 0.5 });
  });

  it('a setting without effect is kept and not shown', () => {
    const off = typed({ clip: 'off' });
    expect(isShown(field('threshold'), fields, typed({}))).toBe(true);
    expect(isShown(field('threshold'), fields, off)).toBe(false);
    expect(configOf(fields, off).threshold).toBe(5);
  });

  it('a setting called __proto__ or constructor is a setting', () => {
    const schema = JSON.parse(
      '{"properties":{"__proto__":{"properties":{"a":{"type":"integer"}},"required":["a"]},"constructor":{"type":"integer"}},"required":["__proto__","constructor"]}',
    ) as JsonSchema;
    const odd = fieldsOf(schema);
    const config = configOf(odd, new Map(odd.map((f): [string, string] => [f.path, '1'])));
    expect(JSON.stringify(config)).toBe('{"__proto__":{"a":1},"constructor":1}');
    expect([...textsOf(odd, config).values()]).toEqual(['1', '1']);
  });
});
