import { type ParseArgsConfig, parseArgs } from 'node:util';
import { flagsOf, givenTwice } from '~/shared/flags';

/** An error that the user can fix; shown without a stack. */
export class UsageError extends Error {
  override name = 'UsageError';
}

type Options = NonNullable<ParseArgsConfig['options']>;

/** @throws UsageError that names the flag */
export function readFlags<T extends Options>(args: string[], options: T) {
  try {
    const { values, tokens } = parseArgs({ args, options, strict: true, allowPositionals: false, tokens: true });
    const twice = givenTwice(flagsOf(tokens));
    if (twice !== null) throw new Error(twice);
    return values;
  } catch (error) {
    throw new UsageError(
      `${(error as Error).message}; known flags: ${Object.keys(options)
        .map((name) => `--${name}`)
        .join(', ')}`,
    );
  }
}
