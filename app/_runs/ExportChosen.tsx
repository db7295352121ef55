import { saveFile } from '~/app/_charts/exportChart';
import { Choice } from '~/app/_components/Choice';
import { Popup } from '~/app/_components/Popup';
import { findRuns } from '~/app/_live/findRuns';
import { toast } from '~/app/_live/toast';
import { download } from '~/app/_run/shell/jobs';
import { useInfo } from '~/app/_team/useTeam';
import { describeError } from '~/app/_trpc/client';
import type { RunSummary } from '~/shared/summary';
import { askedColumns, type ColumnShown } from './columns';
import { csvOf } from './csv';

/** Browsers ask for permission when a page saves many files at once. */
const mostFiles = 20;
/** Delay between two files, so that the browser accepts each. */
const apartMs = 700;

/** Exports the chosen runs as one table, or each run as a file. */
export function ExportChosen({ runs, columns }: { runs: readonly RunSummary[]; columns: readonly ColumnShown[] }) {
  const formats = useInfo()?.exports.filter((f) => f.of === 'run');
  const table = async () => {
    const keys = askedColumns(columns.map((c) => c.key));
    const cells = await cellsOf(runs, keys);
    const titles = columns.filter((c) => keys.includes(c.key)).map((c) => c.title);
    saveFile('runs.csv', csvOf(runs, titles, cells), 'text/csv');
  };
  const each = (format: string, title: string) => {
    for (const [i, run] of runs.entries())
      setTimeout(() => download(run.runId, `format=${format}`, `${run.name} as ${title}`), i * apartMs);
  };
  const tooMany = runs.length > mostFiles;
  return (
    <Popup
      title="Export"
      className="h-6 border border-line bg-raised px-1.5 text-xs font-medium hover:border-dim"
      trigger="Export"
    >
      <ul className="-mx-1">
        <Choice
          title="This table"
          what="one line for each chosen run, with the columns shown, as CSV"
          onClick={() => void table().catch((error: unknown) => toast.error(`The table: ${describeError(error).message}`))}
        />
        {!formats && <li className="px-1 text-xs text-dim">Waiting for the server.</li>}
        {formats?.map(({ format, title, what }) => (
          <Choice key={format} title={title} what={what} disabled={tooMany} onClick={() => each(format, title)} />
        ))}
      </ul>
      {tooMany && <p className="text-2xs text-dim">At most {mostFiles} runs are saved as files of their own at once.</p>}
    </Popup>
  );
}

/** The cells that the server computes, by run. */
async function cellsOf(runs: readonly RunSummary[], columns: string[]) {
  const cells = new Map<string, unknown[]>();
  if (columns.length === 0) return cells;
  for (let i = 0; i < runs.length; i += 50) {
    const ids = runs.slice(i, i + 50).map((r) => r.runId);
    const shelves = [...new Set(runs.map((r) => (r.trashed ? 'trash' : r.archived ? 'archived' : 'all')))] as const;
    for (const show of shelves) {
      const { rows } = await findRuns(`id=${ids.join()}`, { show, columns, limit: 500 });
      for (const row of rows) cells.set(row.run.runId, row.cells);
    }
  }
  return cells;
}
