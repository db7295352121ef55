import { useEffect } from 'react';
import { attentionView } from './attentionView';
import { chartChoices } from './chartSettings';
import { setCursor } from './cursor';
import { panes } from './panes';
import { fromQuery, toQuery, type UrlState } from './urlState';

/** Browsers refuse more than some hundred address changes a minute. */
const settledMs = 400;

function read(): UrlState {
  const { mode, step, zoom } = setCursor.get();
  return {
    step: mode === 'pinned' ? step : null,
    zoom,
    charts: chartChoices.get(),
    attention: attentionView.get(),
    folded: panes.get(),
  };
}

function apply({ step, zoom, charts, attention, folded }: UrlState): void {
  if (step === null) setCursor.follow();
  else setCursor.pin(step);
  setCursor.zoom(zoom);
  chartChoices.set(charts);
  attentionView.set(attention);
  panes.set(folded);
}

/** Keeps the address and the page telling the same: a link, or the back button, sets the page; what is done on the page changes the address. */
export function useUrlState(): void {
  useEffect(() => {
    // A bare address means no wishes: what the tab had chosen stays.
    if (location.search !== '') apply(fromQuery(location.search));
    let timer: ReturnType<typeof setTimeout> | null = null;
    let written = toQuery(read());
    const write = () => {
      timer = null;
      const query = toQuery(read());
      if (query === written) return;
      written = query;
      history.replaceState(history.state, '', `${location.pathname}${query && `?${query}`}`);
    };
    const later = () => {
      timer ??= setTimeout(write, settledMs);
    };
    const back = () => apply(fromQuery(location.search));
    window.addEventListener('popstate', back);
    const stops = [setCursor, chartChoices, attentionView, panes].map((source) => source.subscribe(later));
    return () => {
      window.removeEventListener('popstate', back);
      for (const stop of stops) stop();
      if (timer) clearTimeout(timer);
    };
  }, []);
}
