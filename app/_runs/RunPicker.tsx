import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useState } from 'react';
import { inputClass } from '~/app/_components/Field';
import { count } from '~/app/_components/format';
import { LongName } from '~/app/_components/LongName';
import { runNames } from '~/app/_components/rowNames';
import { StatusBadge } from '~/app/_components/StatusBadge';
import { findRuns } from '~/app/_live/findRuns';
import { describeError } from '~/app/_trpc/client';
import type { RunSummary } from '~/shared/summary';

const listed = 30;

/** Lets the user choose a run: from the newest ones, or from the results of a search (shared/runSearch.ts). */
export function RunPicker(props: {
  /** Run ids that are not offered. */
  except?: readonly string[];
  /** Search terms added to the typed ones. */
  only?: string;
  onPick(run: RunSummary): void;
}) {
  const { except = [], only = '', onPick } = props;
  const [typed, setTyped] = useState('');
  const search = useDeferredValue(`${only} ${typed}`.trim());
  const { data, error } = useQuery({
    queryKey: ['picker', search],
    queryFn: () => findRuns(search, { limit: listed + except.length }),
    placeholderData: (before) => before,
  });
  const runs = (data?.rows ?? []).map((row) => row.run).filter((run) => !except.includes(run.runId));
  const names = runNames(runs);
  return (
    <div className="space-y-1">
      <input
        type="search"
        // biome-ignore lint/a11y/noAutofocus: the user opened the picker to type a search
        autoFocus
        aria-label="Search runs"
        placeholder="name, tag:paper, lr>1e-4…"
        className={`${inputClass} font-sans`}
        value={typed}
        onChange={(e) => setTyped(e.target.value)}
      />
      {error && <p className="text-bad">{describeError(error).message}</p>}
      {data?.problems.map((p) => (
        <p key={p} className="text-xs text-bad">
          {p}
        </p>
      ))}
      {data && runs.length === 0 && <p className="text-dim">No other run fits.</p>}
      <ul className="max-h-72 overflow-y-auto" aria-label="Runs found">
        {runs.slice(0, listed).map((run, i) => (
          <li key={run.runId}>
            <button
              type="button"
              className="flex min-h-7 w-full items-center gap-2 rounded px-1 text-left hover:bg-panel"
              onClick={() => onPick(run)}
            >
              <LongName className="flex-1">{names[i]!}</LongName>
              <span className="text-xs">
                <StatusBadge status={run.status} />
              </span>
              <span className="font-mono text-2xs text-dim">{count(run.step)}</span>
            </button>
          </li>
        ))}
      </ul>
      {data && data.runs > listed && <p className="text-2xs text-dim">{count(data.runs - listed)} more; search for them</p>}
    </div>
  );
}
