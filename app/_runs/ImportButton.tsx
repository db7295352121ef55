import { Upload } from 'lucide-react';
import { nanoid } from 'nanoid';
import { useRouter } from 'next/navigation';
import { type ChangeEvent, useRef, useState } from 'react';
import { toast } from 'sonner';
import { Button } from '~/app/_components/Button';
import { Modal } from '~/app/_components/Modal';
import { atBase } from '~/app/_live/base';
import { followJob } from '~/app/_run/shell/jobs';

interface Answer {
  runId?: string;
  leftOut?: string | null;
  error?: string;
  nothingNew?: boolean;
}
interface AlreadyHere {
  file: File;
  runId: string;
  message: string;
}

/** Brings a run in from a file: one exported here or elsewhere, TensorBoard's event files, CSV. */
export function ImportButton({ disabled }: { disabled: boolean }) {
  const router = useRouter();
  const input = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [here, setHere] = useState<AlreadyHere | null>(null);

  const send = async (file: File, asCopy: boolean) => {
    const id = nanoid();
    const stopped = new AbortController();
    setBusy(true);
    followJob(id, `Importing ${file.name}`, () => stopped.abort());
    try {
      const response = await fetch(
        atBase(`/api/import?name=${encodeURIComponent(file.name)}&job=${id}${asCopy ? '&as=copy' : ''}`),
        {
          method: 'POST',
          headers: { 'content-type': 'application/octet-stream' },
          body: file,
          signal: stopped.signal,
        },
      );
      const answer = (await response.json().catch(() => ({}))) as Answer;
      if (response.status === 201 && answer.runId) {
        if (answer.leftOut) toast.warning(`${file.name}: ${answer.leftOut}`, { duration: 10_000 });
        router.push(`/runs/${answer.runId}`);
      } else if (response.status === 409 && answer.runId) setHere({ file, runId: answer.runId, message: answer.error ?? '' });
      else toast.error(`${file.name}: ${answer.error ?? `the server answered ${response.status}`}`, { duration: 10_000 });
    } catch {
      if (!stopped.signal.aborted) toast.error(`${file.name}: the connection to the server broke; nothing was imported`);
    } finally {
      setBusy(false);
    }
  };
  const choose = (event: ChangeEvent<HTMLInputElement>) => {
    const file = event.target.files?.[0];
    event.target.value = '';
    if (file) void send(file, false);
  };

  return (
    <>
      <input
        ref={input}
        type="file"
        className="hidden"
        aria-label="File to import"
        accept=".headroom,.csv,.tfevents,*/*"
        onChange={choose}
      />
      <Button
        disabled={disabled || busy}
        aria-busy={busy}
        title="A .headroom file, a TensorBoard event file or a CSV"
        onClick={() => input.current?.click()}
      >
        <Upload aria-hidden size={13} />
        <span className="hidden sm:inline">Import</span>
        <span className="sr-only sm:hidden">Import</span>
      </Button>
      <Modal open={here !== null} onClose={() => setHere(null)} title="This run is here already" help={here?.file.name}>
        {here && (
          <div className="space-y-4 p-4">
            <p className="first-letter:uppercase">{here.message}.</p>
            <div className="flex flex-wrap justify-end gap-2">
              <Button onClick={() => setHere(null)}>Cancel</Button>
              <Button
                onClick={() => {
                  setHere(null);
                  void send(here.file, true);
                }}
              >
                Import as a copy
              </Button>
              <Button look="primary" onClick={() => router.push(`/runs/${here.runId}`)}>
                Open the run
              </Button>
            </div>
          </div>
        )}
      </Modal>
    </>
  );
}
