import { count, percent } from '~/app/_components/format';
import { Panel } from '~/app/_components/Panel';
import { useRecipes } from '~/app/_live/recipes';
import { differences, isKnown } from './difference';
import type { Names } from './lines';
import type { Compared } from './useCompared';

/** Results side by side, and what the runs' set-ups do not share. */
export function Differences({ runs, named }: { runs: readonly Compared[]; named: Names }) {
  const setups = runs.map((r) => r.view.setup);
  const recipes = useRecipes(setups.map((s) => s.recipe?.name ?? null));
  const rows = differences(setups, recipes);
  const best = (run: Compared, split: string) =>
    run.view.evaluations.filter((e) => e.split === split).reduce<number | null>((top, e) => Math.max(top ?? 0, e.accuracy), null);
  const results: [string, (run: Compared) => string][] = [
    ['Best validation', (r) => percent(best(r, 'validation'))],
    ['Test', (r) => percent(r.view.evaluations.findLast((e) => e.split === 'test')?.accuracy ?? null)],
    [
      'Changes made on the way',
      (r) => count(r.view.commands.filter((c) => c.command.kind === 'set' && c.outcome.status === 'applied').length),
    ],
    ['Backend', (r) => r.view.backend?.name ?? '–'],
  ];
  return (
    <Panel title="Differences">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <section className="overflow-x-auto" tabIndex={0} aria-label="Results and set-ups side by side">
        <table className="w-full text-xs">
          <thead>
            <tr className="border-b border-line text-left">
              <td />
              {runs.map((r) => (
                <th key={r.runId} scope="col" className="px-3 py-1 text-right font-semibold">
                  {named.get(r.runId)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {results.map(([title, cell]) => (
              <Row key={title} title={title} cells={runs.map(cell)} />
            ))}
            {rows.map((d) => (
              <Row key={d.path} title={d.label} cells={d.values.map((v, i) => v ?? (isKnown(setups[i]!) ? '–' : 'not known'))} />
            ))}
          </tbody>
        </table>
        {rows.length === 0 && (
          <p className="px-3 py-2 text-dim">
            {setups.filter(isKnown).length > 1 ? 'Their set-ups are the same.' : 'There are no two set-ups to compare.'}
          </p>
        )}
      </section>
    </Panel>
  );
}

function Row({ title, cells }: { title: string; cells: string[] }) {
  return (
    <tr className="border-b border-line/60 last:border-0">
      <th scope="row" className="px-3 py-0.5 text-left font-normal text-dim">
        {title}
      </th>
      {cells.map((cell, i) => (
        <td key={i} className="px-3 py-0.5 text-right font-mono">
          {cell}
        </td>
      ))}
    </tr>
  );
}
