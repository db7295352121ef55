#!/usr/bin/env node
/** The `headroom` command: the first word names the command, the rest are its flags. In a clone: `npm run headroom -- ...`. */
import { commands } from './commands';

/** Flags of `headroom start`, and the environment variables that they set. */
const startFlags = { '--port': 'PORT', '--host': 'HOST', '--data': 'HEADROOM_DATA', '--backend': 'HEADROOM_BACKEND' } as const;

const help = [
  'headroom [COMMAND] [FLAGS]',
  '',
  ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(14)}${summary}`),
  '',
  `Flags of start: ${Object.entries(startFlags)
    .map(([flag, variable]) => `${flag} (or ${variable})`)
    .join(', ')}`,
].join('\n');

/** Puts the flags of `headroom start` into the environment. @returns what is wrong with them, or null */
function problemOf(flags: string[]): string | null {
  for (let i = 0; i < flags.length; i++) {
    const [flag = '', joined] = flags[i]!.split('=', 2);
    if (!Object.hasOwn(startFlags, flag))
      return `headroom start has no flag ${flag}; it has ${Object.keys(startFlags).join(', ')}`;
    const value = joined ?? flags[++i];
    if (value === undefined || value === '') return `${flag}: give a value`;
    process.env[startFlags[flag as keyof typeof startFlags]] = value;
  }
  return null;
}

const words = process.argv.slice(2);
const isNamed = words[0] !== undefined && !words[0].startsWith('-');
const name = isNamed ? words[0]! : 'start';
const flags = isNamed ? words.slice(1) : words;
const command = Object.hasOwn(commands, name) ? commands[name]! : null;

if (name === 'start' && flags.some((flag) => flag === '--help' || flag === '-h')) console.log(help);
else {
  const problem = !command ? `There is no command "${name}".` : name === 'start' ? problemOf(flags) : null;
  if (!command || problem !== null) {
    console.error(`${problem}\n\n${help}`);
    process.exit(2);
  }
  process.argv.splice(2, process.argv.length, ...(name === 'start' ? [] : flags));
  const fromSource = import.meta.url.endsWith('.ts');
  const module = await import(new URL(fromSource ? `../../${command.source}` : `../${command.bundle}.js`, import.meta.url).href);
  if (typeof module.main === 'function') process.exitCode = await module.main(flags);
}
