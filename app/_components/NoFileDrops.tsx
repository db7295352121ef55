import { useEffect } from 'react';
import { hasFiles } from '~/app/_runs/import/dropped';

/** A file that no page takes would be opened by the browser in place of the page; the page takes what it does in the capture phase. */
export function NoFileDrops() {
  useEffect(() => {
    const ended = new AbortController();
    for (const type of ['dragover', 'drop'] as const)
      window.addEventListener(
        type,
        (event) => {
          if (event.defaultPrevented || !hasFiles(event.dataTransfer)) return;
          event.preventDefault();
          event.dataTransfer.dropEffect = 'none';
        },
        { signal: ended.signal },
      );
    return () => ended.abort();
  }, []);
  return null;
}
