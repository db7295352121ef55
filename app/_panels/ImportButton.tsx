import { Upload } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { type ChangeEvent, useRef, useState } from 'react';
import { toast } from 'sonner';
import { Button } from '../_components/Button';

/** Brings a run in from a file: one exported here or elsewhere, TensorBoard's event files, CSV. */
export function ImportButton({ disabled }: { disabled: boolean }) {
  const router = useRouter();
  const input = useRef<HTMLInputElement>(null);
  const [upload, setUpload] = useState<{ share: number; request: XMLHttpRequest } | null>(null);

  const choose = (event: ChangeEvent<HTMLInputElement>) => {
    const file = event.target.files?.[0];
    event.target.value = '';
    if (!file) return;
    // XMLHttpRequest, not fetch: only it tells how much of a large file has gone.
    const request = new XMLHttpRequest();
    request.open('POST', `/api/import?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.upload.onprogress = (e) => setUpload({ share: e.total > 0 ? e.loaded / e.total : 0, request });
    request.onloadend = () => setUpload(null);
    request.onerror = () => toast.error(`${file.name}: the connection to the server broke; nothing was imported`);
    request.onload = () => {
      const answer = answerOf(request.responseText);
      if (request.status === 201 && answer.runId) router.push(`/runs/${answer.runId}`);
      else toast.error(`${file.name}: ${answer.error ?? `the server answered ${request.status}`}`, { duration: 10_000 });
    };
    setUpload({ share: 0, request });
    request.send(file);
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
      {upload ? (
        <Button onClick={() => upload.request.abort()} title="Nothing is imported then">
          {upload.share < 1 ? `${Math.round(upload.share * 100)} %` : 'Reading…'} Cancel
        </Button>
      ) : (
        <Button
          disabled={disabled}
          title="A .headroom file, a TensorBoard event file or a CSV"
          onClick={() => input.current?.click()}
        >
          <Upload aria-hidden size={13} />
          <span className="hidden sm:inline">Import</span>
          <span className="sr-only sm:hidden">Import</span>
        </Button>
      )}
    </>
  );
}

function answerOf(text: string): { runId?: string; error?: string } {
  try {
    return JSON.parse(text) as { runId?: string; error?: string };
  } catch {
    return {};
  }
}
