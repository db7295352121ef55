/** Pages of evaluation sets in the notation of the control `probeExamples`: "test 8 9 10" is the page of three from set 8 on. */
export const pagedSplits = ['validation', 'test'] as const;
export type PagedSplit = (typeof pagedSplits)[number];

export interface ExamplePage {
  split: PagedSplit;
  first: number;
  size: number;
}

export const describePage = ({ split, first, size }: ExamplePage): string =>
  [split, ...Array.from({ length: size }, (_, i) => first + i)].join(' ');

/** The control's value as a page; null when it is not one: the sets are not consecutive, or the value is something else. */
export function readPage(value: unknown): ExamplePage | null {
  if (typeof value !== 'string') return null;
  const [word, ...rest] = value.split(/[\s,;]+/).filter((w) => w !== '');
  const split = pagedSplits.find((s) => s === word);
  const numbers = (split ? rest : [word, ...rest]).map((w) => (/^\d{1,9}$/.test(w ?? '') ? Number(w) : Number.NaN));
  const first = numbers[0];
  if (first === undefined || !numbers.every((n, i) => n === first + i)) return null;
  return { split: split ?? 'validation', first, size: numbers.length };
}
