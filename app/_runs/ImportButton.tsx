import { Upload } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useEffect, useEffectEvent, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { toast } from '~/app/_live/toast';
import type { Actor } from '~/shared/ids';
import { droppedFiles, hasFiles } from './import/dropped';
import { ImportDialog } from './import/ImportDialog';
import { useImport } from './import/useImport';

/** Imports runs from files and folders that are chosen, or dropped anywhere on the page. */
export function ImportButton({ you }: { you: Actor | null }) {
  const disabled = you === null || you.role === 'viewer';
  const router = useRouter();
  const { state, choose, close, take, setAxis, toggle, write } = useImport(({ runs }) => {
    const [only] = runs;
    if (runs.length !== 1 || !only?.runId || only.leftOut) return false;
    router.push(`/runs/${only.runId}`);
    return true;
  });
  const dragged = useDrop((files) => {
    if (!disabled) void files.then(take);
    else
      toast.error(
        you
          ? `${you.name} (${you.role}) may not import runs`
          : 'Nothing was imported: the server has not answered yet; drop the files again in a moment',
      );
  });

  return (
    <>
      <Button
        disabled={disabled}
        title="Files or folders of other programs, or of runs exported here; drop them anywhere"
        onClick={choose}
      >
        <Upload aria-hidden size={13} />
        <span className="hidden sm:inline">Import</span>
        <span className="sr-only sm:hidden">Import</span>
      </Button>
      {dragged && (
        <div className="pointer-events-none fixed inset-2 z-50 flex items-center justify-center rounded border-2 border-accent border-dashed bg-bg/80 text-lg">
          {!disabled ? 'Drop to import' : you ? 'Only those who may start runs can import' : 'Waiting for the server'}
        </div>
      )}
      <ImportDialog
        state={state}
        onFiles={(files) => void take(files)}
        onAxis={(run, axis) => void setAxis(run, axis)}
        onToggle={toggle}
        onWrite={(choices) => void write(choices)}
        onClose={close}
      />
    </>
  );
}

/** Handles files dropped anywhere on the page, before NoFileDrops; only one component takes them. @returns whether files are over the page now */
function useDrop(onDrop: (files: ReturnType<typeof droppedFiles>) => void): boolean {
  const [over, setOver] = useState(false);
  const drop = useEffectEvent(onDrop);
  useEffect(() => {
    const ended = new AbortController();
    const listen = (type: 'dragenter' | 'dragover' | 'dragleave' | 'drop', handle: (event: DragEvent) => void) =>
      window.addEventListener(type, (event) => !event.defaultPrevented && hasFiles(event.dataTransfer) && handle(event), {
        signal: ended.signal,
        capture: true,
      });
    listen('dragenter', () => setOver(true));
    listen('dragover', (event) => event.preventDefault());
    listen('dragleave', (event) => event.relatedTarget === null && setOver(false));
    // Also of files that another component takes, or that are no files.
    window.addEventListener('drop', () => setOver(false), { signal: ended.signal, capture: true });
    listen('drop', (event) => {
      event.preventDefault();
      if (event.dataTransfer) drop(droppedFiles(event.dataTransfer));
    });
    return () => ended.abort();
  }, []);
  return over;
}
