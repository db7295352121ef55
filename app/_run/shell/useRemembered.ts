import { useEffect } from 'react';
import { chartChoices, chartParams, fromChartParams, saysCharts } from '~/app/_live/chartSettings';
import { useRunStore } from '~/app/_live/RunProvider';
import { choices, runChoices } from '~/app/_live/remembered';
import { fromWorkspaceParams, saysWorkspace, workspace, workspaceParams } from '~/app/_live/workspace';

const textOf = (params: Record<string, string>): string => new URLSearchParams(params).toString();

/** The choices that also make sense on a run with other series. */
const forAnyRun = (text: string): string => {
  const { smoothSteps, log, robust, gradients } = fromChartParams(new URLSearchParams(text));
  return textOf(chartParams({ ...chartChoices.get(), smoothSteps, log, robust, gradients }));
};

/**
 * Remembers a person's arrangement of the page, and the choices of charts for each run. A run that was never opened gets the newest
 * choices that make sense on any run. An arrangement from a link wins, and is remembered once somebody changes it.
 *
 * Once the server's choices have arrived, a page keeps its arrangement: the person may have another page open, arranged otherwise on a
 * second screen. The charts of one run are alike on all of them.
 */
export function useRemembered(): void {
  const { runId } = useRunStore();
  useEffect(() => {
    const link = new URLSearchParams(location.search);
    const arrangement = () => textOf(workspaceParams(workspace.get()));
    const charts = () => textOf(chartParams(chartChoices.get()));
    let opening = true;
    const recall = () => {
      const text = choices.read('workspace');
      // The panel that was opened last is not part of the text: an equal arrangement stays as it is.
      if (opening && text !== null && text !== arrangement() && !saysWorkspace(link))
        workspace.set(fromWorkspaceParams(new URLSearchParams(text)));
      const { own, newest } = runChoices.read('charts', runId);
      const chosen = own ?? (opening && newest !== null ? forAnyRun(newest) : null);
      if (chosen !== null && chosen !== charts() && !saysCharts(link))
        chartChoices.set(fromChartParams(new URLSearchParams(chosen)));
      opening = !choices.get().settled;
    };
    recall();
    const stops = [
      choices.subscribe(recall),
      workspace.subscribe(() => choices.write('workspace', arrangement())),
      chartChoices.subscribe(() => runChoices.write('charts', runId, charts())),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [runId]);
}
