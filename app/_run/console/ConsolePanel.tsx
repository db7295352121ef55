import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { inputClass } from '~/app/_components/Field';
import { useRunStore } from '~/app/_live/RunProvider';
import { useView } from '~/app/_live/useRun';
import { PanelBody } from '~/app/_run/PanelBody';
import { ConsoleReader } from './consoleReader';
import { onScreen } from './onScreen';

const restMs = 250;

/** Output of the run's process: the newest at the end; earlier parts and search results load on demand. */
export function ConsolePanel() {
  const { runId } = useRunStore();
  const newest = useView((v) => v.console?.lastSeq ?? 0, 0);
  const [search, setSearch] = useState('');
  const [reader, setReader] = useState<ConsoleReader | null>(null);
  const [shown, setShown] = useState<ConsoleReader['shown']>({ parts: [], earlier: false, error: null });
  const box = useRef<HTMLElement>(null);
  const atEnd = useRef(true);

  useEffect(() => {
    const opened = new ConsoleReader(runId, search, setShown);
    const timer = setTimeout(() => setReader(opened), search === '' ? 0 : restMs);
    return () => {
      clearTimeout(timer);
      opened.close();
    };
  }, [runId, search]);
  useEffect(() => reader?.newest(newest), [reader, newest]);
  // Stays at the end until somebody scrolls away from it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs after the shown text has changed.
  useLayoutEffect(() => {
    if (box.current && atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [shown]);

  const { earlier, error } = shown;
  const parts = useMemo(() => onScreen(shown.parts), [shown.parts]);
  return (
    <PanelBody
      title="Console"
      tools={
        <>
          <h2 className="text-xs font-semibold">Console</h2>
          <input
            type="search"
            aria-label="Search the console"
            placeholder="search"
            className={`${inputClass} max-w-48`}
            value={search}
            onChange={(e) => setSearch(e.target.value)}
          />
        </>
      }
    >
      <section
        ref={box}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        tabIndex={0}
        aria-label="Console output, newest last"
        className="relative max-h-[60vh] overflow-y-auto px-3 py-2"
        onScroll={({ currentTarget: c }) => {
          atEnd.current = c.scrollHeight - c.scrollTop - c.clientHeight < 8;
        }}
      >
        {error && <p className="text-bad">{error}</p>}
        {earlier && (
          <Button look="bare" size="small" onClick={() => reader?.earlier()}>
            Earlier output
          </Button>
        )}
        <div className="font-mono text-xs break-words whitespace-pre-wrap" data-testid="console" dir="auto">
          {parts.map((p) => (
            <span key={p.seq} className={p.stream === 'err' ? 'text-bad' : ''}>
              {p.text}
            </span>
          ))}
        </div>
        {parts.length === 0 && !error && (
          <p className="text-dim">{search === '' ? 'What it printed is no longer kept.' : 'Nothing that is kept holds this.'}</p>
        )}
      </section>
    </PanelBody>
  );
}
