import { ArrowDown, ArrowUp } from 'lucide-react';
import { useState } from 'react';
import { Button } from '~/app/_components/Button';
import { inputClass } from '~/app/_components/Field';
import { count } from '~/app/_components/format';
import { Explain } from '~/app/_components/Glossary';
import { IconButton } from '~/app/_components/IconButton';
import { LongName } from '~/app/_components/LongName';
import { describeError } from '~/app/_trpc/client';
import type { Column } from '~/shared/runTable';
import { columnsOf, fixedColumns } from './columns';
import { defaultColumns, mostColumns } from './tableQuery';
import { useCatalog } from './useCatalog';

/** Names of one kind that are listed at once; a search finds the others. */
const listed = 40;

/** Chooses the columns of the table: fixed ones, and any setting, series or result. */
export function ColumnChooser({ chosen, onChange }: { chosen: readonly string[]; onChange(columns: readonly string[]): void }) {
  const { catalog, error, titles } = useCatalog(true);
  const [search, setSearch] = useState('');
  const toggle = (key: string) => onChange(chosen.includes(key) ? chosen.filter((k) => k !== key) : [...chosen, key]);
  const move = (i: number, by: -1 | 1) => {
    const next = [...chosen];
    const [key] = next.splice(i, 1);
    next.splice(i + by, 0, key!);
    onChange(next);
  };
  const full = chosen.length >= mostColumns;
  const kinds: [string, readonly Column[]][] = [
    ['Of every run', fixedColumns.map(({ key, title }) => ({ key, title, runs: 0 }))],
    ['Settings', catalog?.settings ?? []],
    ['Series, newest value', catalog?.series ?? []],
    ['Results of evaluations', catalog?.results ?? []],
  ];
  const word = search.trim().toLowerCase();
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      <div className="min-w-0">
        <input
          type="search"
          aria-label="Search columns"
          placeholder="search columns"
          className={`${inputClass} mb-2 font-sans`}
          value={search}
          onChange={(e) => setSearch(e.target.value)}
        />
        {error && <p className="text-bad">The columns could not be read: {describeError(error).message}</p>}
        {full && <p className="mb-1 text-xs text-warn">{mostColumns} columns are the most; take one away first.</p>}
        <div className="max-h-72 overflow-y-auto">
          {kinds.map(([title, columns]) => {
            const fitting = columns.filter((c) => `${c.title} ${c.key}`.toLowerCase().includes(word));
            if (fitting.length === 0) return null;
            return (
              <fieldset key={title} className="mb-2">
                <legend className="text-2xs font-semibold tracking-wider text-dim uppercase">{title}</legend>
                {fitting.slice(0, listed).map((c) => {
                  const term = fixedColumns.find((f) => f.key === c.key)?.term;
                  return (
                    <span key={c.key} className="flex min-h-6 items-center gap-1.5">
                      <label className="flex min-w-0 flex-1 items-center gap-1.5" title={c.key}>
                        <input
                          type="checkbox"
                          className="size-4 shrink-0"
                          checked={chosen.includes(c.key)}
                          disabled={full && !chosen.includes(c.key)}
                          onChange={() => toggle(c.key)}
                        />
                        <LongName>{c.title}</LongName>
                        {c.runs > 0 && <span className="ml-auto shrink-0 text-2xs text-dim">{count(c.runs)}</span>}
                      </label>
                      {term && <Explain term={term} />}
                    </span>
                  );
                })}
                {fitting.length > listed && (
                  <p className="text-2xs text-dim">{count(fitting.length - listed)} more; search for them</p>
                )}
              </fieldset>
            );
          })}
        </div>
      </div>
      <div className="min-w-0">
        <p className="mb-1 flex items-center justify-between text-2xs font-semibold tracking-wider text-dim uppercase">
          Shown, from the left
          <Button size="small" look="bare" onClick={() => onChange(defaultColumns)}>
            Reset
          </Button>
        </p>
        <ol className="max-h-72 overflow-y-auto">
          {columnsOf(chosen, titles).map(({ key, title }, i) => (
            <li key={key} className="flex min-h-7 items-center gap-1">
              <LongName className="flex-1" title={key}>
                {title}
              </LongName>
              <IconButton
                icon={ArrowUp}
                size="small"
                label={`Move ${title} left`}
                disabled={i === 0}
                onClick={() => move(i, -1)}
              />
              <IconButton
                icon={ArrowDown}
                size="small"
                label={`Move ${title} right`}
                disabled={i === chosen.length - 1}
                onClick={() => move(i, 1)}
              />
            </li>
          ))}
        </ol>
      </div>
    </div>
  );
}
