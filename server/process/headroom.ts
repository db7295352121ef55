#!/usr/bin/env node
/** The `headroom` command: the first word names the command, the rest are its flags. In a clone: `npm run headroom -- ...`. */
import { readFileSync } from 'node:fs';
import { nodeProblem } from '~/server/base/nodeVersion';
import { openFilesProblem } from '~/server/base/openFiles';
import { givenTwice } from '~/shared/flags';
import { type Command, commands } from './commands';

/** Flags of `headroom start`, and the environment variables that they set. */
const startFlags = { '--port': 'PORT', '--host': 'HOST', '--data': 'HEADROOM_DATA', '--backend': 'HEADROOM_BACKEND' } as const;

const help = [
  'headroom [COMMAND] [FLAGS]',
  '',
  ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(14)}${summary}`),
  '',
  'headroom COMMAND --help says more about one; headroom --version says which version this is.',
  `Flags of start: ${Object.entries(startFlags)
    .map(([flag, variable]) => `${flag} (or ${variable})`)
    .join(', ')}`,
].join('\n');

/** Puts the flags of `headroom start` into the environment. @returns what is wrong with them, or null */
function problemOf(flags: string[]): string | null {
  const given: string[] = [];
  for (let i = 0; i < flags.length; i++) {
    const [, flag = '', joined] = /^([^=]*)(?:=(.*))?$/s.exec(flags[i]!)!;
    if (!Object.hasOwn(startFlags, flag))
      return `headroom start has no flag ${flag}; it has ${Object.keys(startFlags).join(', ')}`;
    const value = joined ?? flags[++i];
    if (value === undefined || value === '') return `${flag}: give a value`;
    given.push(flag);
    process.env[startFlags[flag as keyof typeof startFlags]] = value;
  }
  return givenTwice(given);
}

/** @returns what is wrong with the words after a command that takes at most some of them, or null */
function tooMuch(name: string, { words }: NonNullable<Command['usage']>, given: string[]): string | null {
  const taken = words.split(' ').filter((word) => word !== '');
  const flag = given.find((word) => word.startsWith('-') && !taken.some((t) => t.replace(/[[\]]/g, '') === word.split('=')[0]));
  if (flag !== undefined) return `headroom ${name} has no flag ${flag}`;
  return given.length > taken.length ? `${[`headroom ${name}`, ...taken].join(' ')}: "${given[taken.length]}" is too much` : null;
}

const words = process.argv.slice(2);
const isNamed = words[0] !== undefined && !words[0].startsWith('-');
const name = isNamed ? words[0]! : 'start';
const flags = isNamed ? words.slice(1) : words;
const command = Object.hasOwn(commands, name) ? commands[name]! : null;
const asksHelp = flags.some((flag) => flag === '--help' || flag === '-h');

if (name === 'help' || (name === 'start' && asksHelp)) console.log(help);
else if (words[0] === '--version' || words[0] === '-v')
  console.log((JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version);
else if (command?.usage && asksHelp)
  console.log([`headroom ${name} ${command.usage.words}`.trim(), '', command.summary, '', command.usage.more].join('\n'));
else {
  const problem = !command
    ? `There is no command "${name}".`
    : name === 'start'
      ? problemOf(flags)
      : command.usage && tooMuch(name, command.usage, flags);
  if (!command || problem !== null) {
    console.error(`${problem}\n\n${help}`);
    process.exit(2);
  }
  const cannotStart = nodeProblem(process.version) ?? openFilesProblem();
  if (cannotStart !== null) {
    console.error(cannotStart);
    process.exit(1);
  }
  process.argv.splice(2, process.argv.length, ...(name === 'start' ? [] : flags));
  const fromSource = import.meta.url.endsWith('.ts');
  const url = new URL(fromSource ? `../../${command.source}` : `../${command.bundle}.js`, import.meta.url).href;
  const module = await import(url).catch((error: Error) => {
    // Each bundle has its own copy of the class.
    if (error.name !== 'StartError') throw error;
    console.error(error.message);
    process.exit(1);
  });
  if (typeof module.main === 'function') process.exitCode = await module.main(flags);
}
