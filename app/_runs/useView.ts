import { useCallback, useEffect, useState } from 'react';
import { defaultView, fromParams, toParams, type View } from './tableQuery';

/** The view in the address; changing the view replaces the address without a new history entry. */
export function useView(): { view: View; setView(change: (view: View) => View): void } {
  const [view, show] = useState<View>(defaultView);
  useEffect(() => {
    const read = () => show(fromParams(location.search));
    read();
    window.addEventListener('popstate', read);
    return () => window.removeEventListener('popstate', read);
  }, []);
  const setView = useCallback((change: (view: View) => View) => show(change), []);
  useEffect(() => {
    const params = toParams(view);
    if (params === toParams(fromParams(location.search))) return;
    // Browsers refuse more than some hundred address changes a minute: wait until typing pauses.
    const timer = setTimeout(() => history.replaceState(history.state, '', `${location.pathname}${params && `?${params}`}`), 150);
    return () => clearTimeout(timer);
  }, [view]);
  return { view, setView };
}
