import { Link2, Share2 } from 'lucide-react';
import { useState } from 'react';
import { Button, buttonClass } from '~/app/_components/Button';
import { Choice } from '~/app/_components/Choice';
import { Select } from '~/app/_components/Field';
import { bytes, count } from '~/app/_components/format';
import { Popup } from '~/app/_components/Popup';
import { useSample } from '~/app/_live/lists';
import { useReadOnly } from '~/app/_live/readOnly';
import { toQuery } from '~/app/_live/urlState';
import { useView } from '~/app/_live/useRun';
import { shownNow } from '~/app/_live/useUrlState';
import { useSnapshotStep } from '~/app/_run/timeline/snapshotWords';
import { useInfo } from '~/app/_team/useTeam';
import type { ExportFormat } from '~/shared/exports';
import { download } from './jobs';

/** A link to the current view, and the run, or a snapshot of it, as a file. */
export function ShareMenu() {
  if (useReadOnly()) return null;
  return (
    <span className="text-xs text-dim">
      <Popup
        title="Share"
        className={buttonClass('plain', 'small')}
        trigger={
          <>
            <Share2 aria-hidden size={13} />
            Share
          </>
        }
      >
        <CopyLink />
        <p className="mt-2 mb-0.5 border-t border-line pt-2 text-dim">Export</p>
        <Exports />
      </Popup>
    </span>
  );
}

function Exports() {
  const runId = useView((v) => v.runId, '');
  const name = useView((v) => v.setup.name, '');
  const formats = useInfo()?.exports;
  const snapshot = useSnapshotStep();
  return (
    <ul className="-mx-1">
      {!formats && <li className="px-1">Waiting for the server.</li>}
      {formats?.map((f) => {
        if (f.of === 'replay') return <Replay key={f.format} runId={runId} name={name} format={f} />;
        if (f.of === 'snapshot' && snapshot === null) return null;
        const [query, words] =
          f.of === 'snapshot' && snapshot !== null ? [`&step=${snapshot}`, ` of step ${count(snapshot)}`] : ['', ''];
        return (
          <Choice
            key={f.format}
            title={f.title}
            what={`${f.what}${words}`}
            onClick={() => download(runId, `format=${f.format}${query}`, `${name}${words} as ${f.title}`)}
          />
        );
      })}
    </ul>
  );
}

/** The address includes the step, the zoom, the panels and their selections. */
function CopyLink() {
  const [copied, setCopied] = useState<string | null>(null);
  const copy = async () => {
    // The page's own address is updated a moment later.
    const link = `${location.origin}${location.pathname}?${toQuery(shownNow())}`;
    try {
      await navigator.clipboard.writeText(link);
      setCopied('Copied: whoever opens it sees this step and these panels.');
    } catch {
      setCopied(link);
    }
  };
  return (
    <>
      <Button size="small" onClick={() => void copy()}>
        <Link2 aria-hidden size={13} /> Copy link to this view
      </Button>
      <p role="status" className="text-2xs break-all">
        {copied}
      </p>
    </>
  );
}

/** The limit in export/replay.ts. */
const mostBytes = 256 * 2 ** 20;
const some = [200, 50, 10, 0];

/** A page that plays the run without a server, with as much of its attention as is chosen. */
function Replay({ runId, name, format }: { runId: string; name: string; format: ExportFormat }) {
  const recorded = useView((v) => v.counts.snapshots.count, 0);
  // Estimated from the known snapshots: those of one run have about the same size.
  const sizes = useSample('snapshots').map((s) => s.blob.bytes);
  const mean = sizes.reduce((sum, size) => sum + size, 0) / Math.max(1, sizes.length);
  const fits = (n: number) => mean * n <= mostBytes;
  const choices = [recorded, ...some.filter((n) => n < recorded)].filter(fits);
  const [chosen, setChosen] = useState<number | null>(null);
  const snapshots = chosen !== null && choices.includes(chosen) ? chosen : choices[0]!;
  const all = snapshots === recorded;
  const wordsOf = (n: number) =>
    n === 0
      ? 'no attention'
      : `${n === recorded ? 'all ' : ''}${count(n)} snapshots${n === recorded ? '' : ', evenly spaced'} (${bytes(mean * n)})`;
  return (
    <Choice
      title={format.title}
      what={format.what}
      onClick={() => download(runId, `format=${format.format}&snapshots=${all ? 'all' : snapshots}`, `${name} as replay`)}
    >
      {recorded > 0 && (
        <label className="flex items-center gap-1.5 pl-1 text-xs text-dim">
          with
          <Select
            look="toolbar"
            className="max-w-none!"
            options={choices.map((n) => ({ value: String(n), text: wordsOf(n) }))}
            value={String(snapshots)}
            onPick={(n) => setChosen(Number(n))}
          />
        </label>
      )}
    </Choice>
  );
}
