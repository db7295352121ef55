'use client';

import { count, measured, percent } from '~/app/_components/format';
import { Panel } from '~/app/_components/Panel';
import { setCursor } from '~/app/_live/cursor';
import { useView } from '~/app/_live/useRun';

/** Accuracy and loss on whole sets, newest first. The best validation is what the final test uses. */
export function EvaluationsPanel() {
  const evaluations = useView((v) => v.evaluations, []);
  const best = Math.max(...evaluations.filter((e) => e.split === 'validation').map((e) => e.accuracy));
  return (
    <Panel title="Evaluations">
      {evaluations.length === 0 ? (
        <p className="px-3 py-4 text-dim">None yet. The validation set runs by itself; any set runs when asked under Steering.</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        <section className="relative max-h-56 overflow-y-auto" tabIndex={0} aria-label="Evaluations, newest first">
          <table className="w-full text-xs" data-testid="evaluations">
            <thead>
              <tr className="text-2xs text-dim">
                <th scope="col" className="px-3 py-1 text-left font-medium">
                  Set
                </th>
                <th scope="col" className="px-1 text-right font-medium">
                  Step
                </th>
                <th scope="col" className="px-1 text-right font-medium">
                  Accuracy
                </th>
                <th scope="col" className="py-1 pr-3 pl-1 text-right font-medium">
                  Loss
                </th>
              </tr>
            </thead>
            <tbody className="font-mono">
              {evaluations.toReversed().map((e) => (
                <tr
                  key={e.seq}
                  className="hover:bg-raised/60"
                  title={`${count(e.examples)} examples in ${Math.round(e.elapsedMs)} ms`}
                >
                  <th scope="row" className="px-3 py-0.5 text-left font-sans font-normal">
                    {e.split}
                  </th>
                  <td className="px-1 text-right">
                    <button
                      type="button"
                      className="rounded-sm text-accent hover:underline"
                      aria-label={`Go to step ${count(e.step)}`}
                      onClick={() => setCursor.pin(e.step)}
                    >
                      {count(e.step)}
                    </button>
                    {e.parametersStep !== e.step && (
                      <span className="font-sans text-dim" title={`parameters of the best checkpoint, step ${e.parametersStep}`}>
                        *
                      </span>
                    )}
                  </td>
                  <td className={`px-1 text-right ${e.split === 'validation' && e.accuracy === best ? 'text-good' : ''}`}>
                    {percent(e.accuracy)}
                  </td>
                  <td className="pr-3 pl-1 text-right">{measured(e.loss)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </Panel>
  );
}
