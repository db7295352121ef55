import { type ParseArgsConfig, parseArgs } from 'node:util';
import { flagsOf, givenTwice } from '~/shared/flags';

/** Streams that a command writes to, and the signal that stops it. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  signal?: AbortSignal;
}

/** Those of this process; Ctrl+C is the signal. Text that ends in \0 gets no line end. */
export function standardTerminal(): Terminal {
  const control = new AbortController();
  process.once('SIGINT', () => control.abort());
  const write = (stream: NodeJS.WriteStream) => (text: string) =>
    void stream.write(text.endsWith('\u0000') ? text.slice(0, -1) : `${text}\n`);
  return { out: write(process.stdout), err: write(process.stderr), signal: control.signal };
}

type Options = NonNullable<ParseArgsConfig['options']> & { help: { type: 'boolean'; short: 'h' } };

/** The flags and words of a command that needs words. @returns the exit code where there is nothing to do: 0 for --help, 2 for wrong arguments */
export function readArguments<O extends Options>(argv: readonly string[], options: O, usage: string, { out, err }: Terminal) {
  const parse = () => parseArgs({ args: [...argv], allowPositionals: true, options, tokens: true });
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse();
    const twice = givenTwice(flagsOf(parsed.tokens).filter((flag) => !options[flag.replace(/^-+/, '')]?.multiple));
    if (twice !== null) throw new Error(twice);
  } catch (error) {
    err(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  const { help } = parsed.values as { help?: boolean };
  if (!help && parsed.positionals.length > 0) return parsed;
  (help ? out : err)(usage);
  return help ? 0 : 2;
}
