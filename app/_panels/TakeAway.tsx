import { Download } from 'lucide-react';
import { Popup } from '../_components/Popup';
import { useCursor } from '../_live/cursor';
import { useView } from '../_live/useRun';

const wholes = [
  ['headroom', 'Everything', 'one file, to be imported elsewhere with nothing lost'],
  ['csv', 'CSV', 'every step, every series'],
  ['json', 'JSON', 'the whole log'],
  ['parquet', 'Parquet', 'every step, every series'],
  ['tensorboard', 'TensorBoard', 'an event file'],
] as const;
const linkClass = 'flex items-baseline gap-2 rounded-sm px-1 py-0.5 hover:bg-panel';

/** The run, or a snapshot of it, as a file. */
export function TakeAway() {
  const runId = useView((v) => v.runId, '');
  const steps = useView((v) => v.snapshots.map((s) => s.step), none);
  const step = useCursor((c) => c.step);
  const snapshot = steps.findLast((s) => s <= step);
  const href = (query: string) => `/api/runs/${runId}/export?${query}`;
  return (
    <span className="hidden text-xs text-dim sm:inline">
      <Popup
        title="Take away"
        trigger={
          <>
            <Download aria-hidden size={13} />
            export
          </>
        }
      >
        <ul className="-mx-1">
          {wholes.map(([format, name, what]) => (
            <li key={format}>
              <a className={linkClass} href={href(`format=${format}`)} download>
                <span className="font-medium text-ink">{name}</span>
                <span className="text-dim">{what}</span>
              </a>
            </li>
          ))}
          {snapshot !== undefined &&
            (['safetensors', 'npy'] as const).map((format) => (
              <li key={format}>
                <a className={linkClass} href={href(`format=${format}&step=${snapshot}`)} download>
                  <span className="font-medium text-ink">{format === 'npy' ? 'NPY' : 'safetensors'}</span>
                  <span className="text-dim">
                    {format === 'npy' ? 'attention' : 'attention and predictions'} of step {snapshot}
                  </span>
                </a>
              </li>
            ))}
        </ul>
      </Popup>
    </span>
  );
}
const none: number[] = [];
