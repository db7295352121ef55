import { useMemo } from 'react';
import { count } from '~/app/_components/format';
import { Explain } from '~/app/_components/Glossary';
import { LongName } from '~/app/_components/LongName';
import { useCursor } from '~/app/_live/cursor';
import { metricValue } from '~/app/_live/evaluationWords';
import { useLoaded } from '~/app/_live/lists';
import { useView } from '~/app/_live/useRun';
import { AsOf } from '~/app/_run/AsOf';
import { GoToStep } from '~/app/_run/GoToStep';
import { Nothing, Older, PanelBody } from '~/app/_run/PanelBody';
import { evaluatedStep } from '~/shared/evaluations';
import { ended } from '~/shared/view';
import { bestOf, columnsOf, describeRow } from './evaluationTable';
import { WorkedOn } from './WorkedOn';

/** Most results that are loaded to know the best of all. */
const mostKnown = 1000;

/** Results of all evaluations, newest first, with one column per metric. The best result of each set is marked, once all are known. */
export function EvaluationsPanel() {
  const { items: evaluations, whole, older } = useLoaded('evaluations', mostKnown);
  const pinned = useCursor((c) => c.mode === 'pinned');
  const at = useCursor((c) => (c.mode === 'pinned' ? c.step : Number.POSITIVE_INFINITY));
  const over = useView((v) => ended(v.status), false);
  const { columns, best, newestFirst } = useMemo(
    () => ({ columns: columnsOf(evaluations), best: bestOf(whole ? evaluations : []), newestFirst: evaluations.toReversed() }),
    [evaluations, whole],
  );
  return (
    <PanelBody title="Evaluations" tools={pinned && <AsOf />}>
      <div className="px-3">
        <WorkedOn />
      </div>
      {evaluations.length === 0 ? (
        <Nothing>{over ? 'The run ended without an evaluation.' : 'No evaluation yet.'}</Nothing>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        <section className="relative overflow-x-auto" tabIndex={0} aria-label="Evaluations, newest first">
          <table className="w-full text-xs" data-testid="evaluations">
            <thead>
              <tr className="text-2xs text-dim">
                <th scope="col" className="px-3 py-1 text-left font-medium">
                  Set
                  <Explain term="evaluation" />
                </th>
                <th scope="col" className="px-1 text-right font-medium">
                  Step
                </th>
                {columns.map((name) => (
                  <th key={name} scope="col" className="px-1 text-right font-medium last:pr-3">
                    <LongName className="ml-auto max-w-28">{name}</LongName>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody className="font-mono">
              {newestFirst.map((e) => (
                <tr key={e.seq} className={`hover:bg-raised/60 ${e.step > at ? 'text-dim' : ''}`} title={describeRow(e)}>
                  <th scope="row" className="px-3 text-left font-sans font-normal">
                    <LongName className="max-w-28">{e.split}</LongName>
                  </th>
                  <td className="px-1 text-right whitespace-nowrap">
                    <GoToStep step={e.step} className="min-h-6" />
                    {evaluatedStep(e) !== e.step && (
                      <span className="font-sans text-dim" title={`of the parameters at step ${count(evaluatedStep(e))}`}>
                        *
                      </span>
                    )}
                  </td>
                  {columns.map((name) => {
                    const metric = e.metrics.find((m) => m.name === name);
                    const isBest = best.has(e.seq) && best.get(e.seq) === name;
                    return (
                      <td key={name} className={`px-1 text-right whitespace-nowrap last:pr-3 ${isBest ? 'text-good' : ''}`}>
                        {metric ? metricValue(metric) : '–'}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
          {!whole && <Older onClick={older} />}
        </section>
      )}
    </PanelBody>
  );
}
