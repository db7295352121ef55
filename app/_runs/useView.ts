import { useSearchParams } from 'next/navigation';
import { useCallback, useEffect, useRef, useState } from 'react';
import { fromParams, toParams, type View } from './tableQuery';

/**
 * The view in the address; changing the view replaces the address without a new history entry. A link to another view shows it.
 *
 * @param onNew called when the address is "/?new=1", which asks for a new run and is no view
 */
export function useView(onNew: () => void): { view: View; setView(change: (view: View) => View): void } {
  const params = useSearchParams().toString();
  const [view, setView] = useState<View>(() => fromParams(params));
  const now = useRef(view);
  now.current = view;
  const written = useRef(params);
  const write = useCallback((next: string) => {
    written.current = next;
    // Without a state of its own: then Next learns of the address, and a link to "/" leads back to all runs.
    history.replaceState(null, '', `${location.pathname}${next && `?${next}`}`);
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: when the address changes; `params` may be older than what was typed since
  useEffect(() => {
    const address = new URLSearchParams(location.search);
    if (address.has('new')) {
      onNew();
      write(toParams(now.current));
    } else if (address.toString() !== written.current) {
      written.current = address.toString();
      setView(fromParams(written.current));
    }
  }, [params, onNew, write]);
  useEffect(() => {
    const next = toParams(view);
    if (next === toParams(fromParams(location.search))) return;
    // Browsers refuse more than some hundred address changes a minute: wait until typing pauses.
    const timer = setTimeout(() => write(next), 150);
    return () => clearTimeout(timer);
  }, [view, write]);
  return { view, setView };
}
