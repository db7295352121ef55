/**
 * The built-in text: a diary of training runs, written by a small grammar. The same text for every run and machine.
 *
 * Every entry names a person, a run and its numbers once, and later repeats them: to predict the second mention, a model must look back at the
 * first, which needs attention.
 */
import { RandomStream } from '~/trainer/nn/random';

const people = [
  'Ada',
  'Boris',
  'Chidi',
  'Dana',
  'Emre',
  'Farah',
  'Goran',
  'Hana',
  'Ines',
  'Jonas',
  'Kofi',
  'Lena',
  'Mira',
  'Noor',
  'Omar',
  'Petra',
];
const runs = [
  'amber',
  'birch',
  'cedar',
  'delta',
  'ember',
  'flint',
  'grove',
  'heron',
  'iris',
  'jade',
  'kelp',
  'linden',
  'maple',
  'north',
  'opal',
  'pine',
];
const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const controls = ['learning rate', 'clip value', 'batch size', 'weight decay', 'dropout'];
const reasons = [
  'the loss had stopped falling',
  'the gradient norm was too high',
  'the validation loss rose',
  'two heads had collapsed',
  'the run was too slow',
];
const ends = [
  'It was the best run of the week.',
  'Nobody touched it again.',
  'The curve was smooth after that.',
  'By noon the accuracy was higher than ever.',
  'It stopped early, as it should.',
];

/** Approximate number of characters in the built-in text, which ends with a complete entry. */
export const builtinLength = 200_000;

let made: string | null = null;

export function builtinText(): string {
  made ??= write();
  return made;
}

function write(): string {
  const random = new RandomStream(1851, 'text/builtin');
  let position = 0;
  const below = (n: number) => random.integer(position++, n);
  const one = <T>(of: readonly T[]): T => of[below(of.length)]!;
  const entries: string[] = [];
  for (let length = 0; length < builtinLength; ) {
    const entry = diaryEntry(one, below);
    entries.push(entry);
    length += entry.length;
  }
  return entries.join('');
}

function diaryEntry(one: <T>(of: readonly T[]) => T, below: (n: number) => number): string {
  const [who, run, day, control, why, end] = [one(people), one(runs), one(days), one(controls), one(reasons), one(ends)];
  const other = people[(people.indexOf(who) + 1 + below(people.length - 1)) % people.length]!;
  const step = 100 * (1 + below(90));
  const loss = (below(250) + 50) / 100;
  const fallen = Math.max(0.01, loss / 2);
  const middle =
    below(2) === 0
      ? `At step ${step} ${who} halved the ${control}, because ${why}. The ${control} of ${run} is half of what it was.`
      : `${other} asked why. ${who} said that ${why}. So ${other} took the control lock and went back to step ${step}.`;
  return `${day}. ${who} started the run ${run} with a loss of ${loss.toFixed(2)}. ${middle} From step ${step} on, the loss of ${run} fell to ${fallen.toFixed(2)}. ${end} ${who} was glad.\n`;
}
