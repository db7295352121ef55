import type { ReactNode } from 'react';
import { rowNames } from '~/app/_components/rowNames';
import { describeError } from '~/app/_trpc/client';

/** A list in a panel, with its states for loading, error and no entries. */
export function Rows<T>(props: {
  data: readonly T[] | undefined;
  error: { message: string } | null;
  empty: string;
  /** What tells a row from the others, for the names of its buttons. */
  words?(item: T): string;
  children(item: T, name: string): ReactNode;
}) {
  const { data, error, empty, words = () => '', children } = props;
  const problem = error && <p className="px-3 py-4 text-bad">{describeError(error).message}</p>;
  if (!data) return problem ?? <p className="px-3 py-4 text-dim">Loading…</p>;
  const names = rowNames(data.map(words));
  return (
    <>
      {problem}
      {data.length === 0 ? (
        <p className="px-3 py-4 text-dim">{empty}</p>
      ) : (
        <ul className="divide-y divide-line/70">{data.map((item, i) => children(item, names[i]!))}</ul>
      )}
    </>
  );
}

export const rowClass = 'flex min-h-9 flex-wrap items-center gap-x-3 gap-y-1 px-3 py-1';
