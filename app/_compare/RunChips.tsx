import { Plus, X } from 'lucide-react';
import Link from 'next/link';
import type { Palette } from '~/app/_charts/palette';
import { colorOf } from '~/app/_charts/types';
import { count } from '~/app/_components/format';
import { IconButton } from '~/app/_components/IconButton';
import { LongName } from '~/app/_components/LongName';
import { Popup } from '~/app/_components/Popup';
import { StatusBadge } from '~/app/_components/StatusBadge';
import { mostCompared } from '~/app/_live/comparePage';
import { RunPicker } from '~/app/_runs/RunPicker';
import type { Names } from './lines';
import { withoutRun, withRun } from './link';
import type { Compared } from './useCompared';

/** The runs on the page with their colors, and controls to add and remove runs. */
export function RunChips(props: {
  /** As in the link: '' = a free position. */
  positions: readonly string[];
  runs: readonly (Compared | null)[];
  errors: readonly (string | null)[];
  named: Names;
  palette: Palette;
  onChange(positions: readonly string[]): void;
}) {
  const { positions, runs, errors, named, palette, onChange } = props;
  const runIds = positions.filter(Boolean);
  return (
    <ul className="flex flex-wrap gap-1.5" aria-label="Runs compared">
      {runIds.map((runId, i) => {
        const run = runs[i];
        return (
          <li
            key={runId}
            className="inline-flex max-w-full min-w-0 items-center gap-2 rounded border border-line bg-panel py-0.5 pr-0.5 pl-2"
          >
            <span
              aria-hidden
              className="size-2.5 shrink-0 rounded-full"
              style={{ background: colorOf(palette, positions.indexOf(runId)) }}
            />
            {run ? (
              <>
                <Link href={`/runs/${runId}`} className="min-w-0 font-medium hover:text-accent">
                  <LongName>{named.get(runId)!}</LongName>
                </Link>
                <StatusBadge status={run.view.status} />
                <span className="font-mono text-xs text-dim">{count(run.view.step)}</span>
                {run.view.trashed && !errors[i] && <span className="text-warn">in the trash</span>}
                {errors[i] && <span className="text-bad">{errors[i]}</span>}
              </>
            ) : (
              <span className={errors[i] ? 'text-bad' : 'text-dim'}>
                {errors[i] ? withId(errors[i], runId) : `reading ${runId} …`}
              </span>
            )}
            <IconButton
              icon={X}
              size="small"
              label={`Leave out ${named.get(runId) ?? runId}`}
              onClick={() => onChange(withoutRun(positions, runId))}
            />
          </li>
        );
      })}
      {runIds.length < mostCompared && (
        <li>
          <Popup
            title="Add a run"
            className="h-7 border border-line bg-raised px-2.5 font-medium hover:border-dim"
            trigger={
              <>
                <Plus aria-hidden size={12} /> Add a run
              </>
            }
          >
            <RunPicker except={runIds} onPick={(run) => onChange(withRun(positions, run.runId))} />
          </Popup>
        </li>
      )}
    </ul>
  );
}

/** An error, with the run that it is about. */
const withId = (error: string, runId: string): string => (error.includes(runId) ? error : `${runId}: ${error}`);
