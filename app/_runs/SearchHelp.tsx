import { Keys } from '~/app/_components/Keys';

const examples = [
  ['reverse wasm', 'every word occurs in the name, recipe, project, tags, person, …'],
  ['recipe:text', 'the recipe contains “text”; several with commas: any of them'],
  ['tag:paper -tag:old', 'with one tag and without another'],
  ['lr>1e-4', 'a setting, by its path, its last part or its short name'],
  ['heads=4 loss<0.1', 'a setting and the newest value of a series'],
  ['"validation accuracy">0.9', 'a result: the split and the metric, in quotes'],
  ['loss:nan', 'NaN, inf and -inf are values'],
  ['status:running,paused', 'also: project, group, by, backend, id, note, created>2026-11-01'],
] as const;

/** Explains the search syntax. */
export const SearchHelp = () => <Keys of={examples} />;
