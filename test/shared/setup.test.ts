import { expect, it } from 'vitest';
import { config, fittedConfig, MAX_CONFIG_BYTES } from '~/shared/setup';

it('settings that fit stay whole; of too many, the largest are left out and named, and the rest fits', () => {
  const letters = (count: number) => 'x'.repeat(count);
  // A text takes its letters, 2 quotes, and here 6 more for braces, name and colon.
  const most = { a: letters(MAX_CONFIG_BYTES - 8) };
  expect(config.safeParse(most).success).toBe(true);
  expect(fittedConfig(most)).toBe(most);

  const over = { lr: 1, a: letters(MAX_CONFIG_BYTES - 8), ['__proto__']: letters(10), b: letters(40_000), c: letters(30_000) };
  const { a, b, ...kept } = over;
  expect(a.length + b.length).toBeGreaterThan(MAX_CONFIG_BYTES);
  expect(fittedConfig(over)).toEqual({ ...kept, 'left out': ['a', 'b'] });
  expect(config.safeParse(fittedConfig(over)).success).toBe(true);
});
