import { useEffect } from 'react';
import { delayed } from '~/app/_charts/delayed';
import { attentionView } from './attentionView';
import { chartChoices, chartDefaults, saysCharts } from './chartSettings';
import { setCursor } from './cursor';
import { together } from './listeners';
import { fromQuery, toQuery, type UrlState } from './urlState';
import { saysWorkspace, workspace } from './workspace';

/** Browsers refuse more than some hundred address changes a minute. */
const settledMs = 400;

/** The state that a link to the page carries now. */
export function shownNow(): UrlState {
  const { mode, step, zoom } = setCursor.get();
  return {
    step: mode === 'pinned' ? step : null,
    zoom,
    charts: chartChoices.get(),
    attention: attentionView.get(),
    workspace: workspace.get(),
  };
}

function apply(query: string): void {
  const { step, zoom, charts, attention, workspace: arranged } = fromQuery(query);
  if (step === null) setCursor.follow();
  else setCursor.pin(step);
  setCursor.zoom(zoom);
  attentionView.set(attention);
  const params = new URLSearchParams(query);
  if (saysCharts(params)) chartChoices.set(charts);
  if (saysWorkspace(params)) workspace.set(arranged);
}

/** Synchronizes the address and the page: a link or the back button changes the page; actions on the page change the address. */
export function useUrlState(): void {
  useEffect(() => {
    // Choices made on the page of another run do not hold here: heads that were switched off, a search, an axis.
    chartChoices.set(chartDefaults);
    apply(location.search);
    // The browser's back button changes the address before the page of another run takes this one's place.
    const here = location.pathname;
    let written = toQuery(shownNow());
    const write = () => {
      const query = toQuery(shownNow());
      if (query === written || location.pathname !== here) return;
      written = query;
      history.replaceState(history.state, '', `${location.pathname}${query && `?${query}`}`);
    };
    const { ask, cancel } = delayed(write, settledMs);
    const back = () => location.pathname === here && apply(location.search);
    window.addEventListener('popstate', back);
    return together([
      () => window.removeEventListener('popstate', back),
      ...[setCursor, chartChoices, attentionView, workspace].map((source) => source.subscribe(ask)),
      cancel,
    ]);
  }, []);
}
