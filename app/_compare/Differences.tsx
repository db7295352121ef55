import { count } from '~/app/_components/format';
import { Panel } from '~/app/_components/Panel';
import { metricValue } from '~/app/_live/evaluationWords';
import { useRecipes } from '~/app/_live/recipes';
import { betterOf, isBetter } from '~/shared/columns';
import { headlineMetric } from '~/shared/evaluations';
import type { EvaluationMetric } from '~/shared/events';
import type { WithLists } from '~/shared/view';
import { differences, isKnown } from './difference';
import type { Names } from './lines';
import type { Compared } from './useCompared';

/** Results side by side, and the settings in which the runs differ. */
export function Differences({ runs, named }: { runs: readonly Compared[]; named: Names }) {
  const setups = runs.map((r) => r.view.setup);
  const recipes = useRecipes(setups.map((s) => s.recipe?.name ?? null));
  const rows = differences(setups, recipes);
  const splits = [...new Set(runs.flatMap((r) => r.view.evaluations.map((e) => e.split)))];
  const results: [string, (run: Compared) => string][] = [
    ...splits.map((split): [string, (run: Compared) => string] => [`Best ${split}`, (r) => bestOn(r.view, split)]),
    ['Changes made on the way', (r) => changesOf(r.view)],
    ['Device', (r) => r.view.device?.backend || r.view.device?.device || '–'],
  ];
  return (
    <Panel title="Differences">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <section className="relative overflow-x-auto" tabIndex={0} aria-label="Results and set-ups side by side">
        <table className="w-full text-xs">
          <thead>
            <tr className="border-b border-line text-left">
              <td />
              {runs.map((r) => (
                <th key={r.runId} scope="col" className="px-3 py-1 text-right font-semibold">
                  <span className={`${part} ml-auto w-fit`}>{named.get(r.runId)}</span>
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

/** Of a long list the page has a sample. */
const isSample = ({ counts, ...lists }: WithLists, kind: 'evaluations' | 'commands') => lists[kind].length < counts[kind].count;

function changesOf(view: WithLists): string {
  const made = view.commands.filter((c) => c.command.kind === 'set' && c.outcome.status === 'applied').length;
  return `${isSample(view, 'commands') ? 'at least ' : ''}${count(made)}`;
}

/** The best value of the first-ranked metric on one split; "–" if the run has none. */
function bestOn(view: WithLists, split: string): string {
  const { evaluations, counts } = view;
  let best: EvaluationMetric | null = null;
  for (const e of evaluations) {
    const main = headlineMetric(e);
    if (e.split !== split || Number.isNaN(main.value)) continue;
    if (!best || (main.name === best.name && isBetter(betterOf(main), main.value, best.value))) best = main;
  }
  const of = isSample(view, 'evaluations')
    ? ` (of ${count(evaluations.length)} of ${count(counts.evaluations.count)} results)`
    : '';
  return best ? `${best.name} ${metricValue(best)}${of}` : '–';
}

/** A long setting or value breaks its line, so that the columns beside it stay in sight. */
const part = 'block max-w-72 break-words';

function Row({ title, cells }: { title: string; cells: string[] }) {
  return (
    <tr className="border-b border-line/60 last:border-0">
      <th scope="row" className="px-3 py-0.5 text-left font-normal text-dim">
        <span className={part}>{title}</span>
      </th>
      {cells.map((cell, i) => (
        <td key={i} className="px-3 py-0.5 text-right font-mono">
          <span className={`${part} ml-auto w-fit`}>{cell}</span>
        </td>
      ))}
    </tr>
  );
}
