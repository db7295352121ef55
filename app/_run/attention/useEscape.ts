import { type RefObject, useEffect } from 'react';
import { focusStore } from './focusStore';

/** Escape unpins when the focus is anywhere in the workspace, or on no element. */
export function useEscape(box: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      const inside = event.target === document.body || box.current?.contains(event.target as Node);
      const { hovered, pinned } = focusStore.get();
      if (!inside || (!hovered && !pinned)) return;
      focusStore.send({ type: 'escape' });
      event.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [box]);
}
