import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { count, measured } from '~/app/_components/format';
import { fetchBlob } from '~/app/_live/fetchBlob';
import { useRunStore } from '~/app/_live/RunProvider';
import { api } from '~/app/_trpc/client';
import { imageType } from '~/shared/imageType';
import { type Histogram, readStructured, type Table } from '~/shared/media';
import type { MediaItem } from '~/shared/view';

/** Content of one sample. */
export function Sample({ item }: { item: MediaItem }) {
  return item.kind === 'image' ? <Picture item={item} /> : <Text item={item} />;
}

/** Bytes of a blob that are read as text; more would block the page. */
const mostText = 1 << 20;

function Text({ item }: { item: MediaItem }) {
  const { runId } = useRunStore();
  const [whole, setWhole] = useState(item.kind !== 'text');
  const cut = item.letters !== undefined;
  const needed = item.blob !== undefined || (cut && whole);
  const { data, error } = useQuery({
    queryKey: ['sample', item.blob?.hash ?? `${runId} ${item.seq}`],
    enabled: needed,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => {
      if (!item.blob) return (await api.runs.sample.query({ runId, seq: item.seq }))?.text ?? '';
      if (item.blob.bytes > mostText) throw new Error(`the text has ${count(item.blob.bytes)} bytes: too many to show`);
      return new TextDecoder().decode(await fetchBlob(item.blob.hash));
    },
  });
  if (error) return <Trouble message={error.message} />;
  const text = needed ? data : item.text;
  if (text === undefined) return <div className="h-16 animate-pulse bg-raised" />;
  if (item.kind === 'histogram' || item.kind === 'table') return <Structured kind={item.kind} text={text} />;
  return (
    <>
      <pre className="relative max-h-64 overflow-y-auto px-2 py-1.5 font-mono text-xs break-words whitespace-pre-wrap" dir="auto">
        {text}
        {cut && !whole && '…'}
      </pre>
      {cut && !whole && (
        <Button look="bare" size="small" of={item.name} onClick={() => setWhole(true)}>
          Show all {count(item.letters!)} characters
        </Button>
      )}
    </>
  );
}

function Structured({ kind, text }: { kind: 'histogram' | 'table'; text: string }) {
  const content = useMemo(() => readStructured(kind, text), [kind, text]);
  if (!content.ok) return <Trouble message={content.message} />;
  return 'edges' in content.value ? <Bars histogram={content.value} /> : <Rows table={content.value} />;
}

function Bars({ histogram: { edges, counts } }: { histogram: Histogram }) {
  const [low, high] = [edges[0]!, edges.at(-1)!];
  const most = Math.max(...counts, 0);
  const total = counts.reduce((a, b) => a + b, 0);
  const label = `${count(total)} values from ${measured(low)} to ${measured(high)} in ${counts.length} bins`;
  return (
    <div className="px-2 py-1.5">
      <svg viewBox="0 0 1000 240" preserveAspectRatio="none" role="img" aria-label={label} className="h-28 w-full">
        {counts.map((n, i) => {
          const x = ((edges[i]! - low) / (high - low)) * 1000;
          const width = ((edges[i + 1]! - edges[i]!) / (high - low)) * 1000;
          const height = most === 0 ? 0 : (n / most) * 240;
          return (
            <rect key={i} x={x} y={240 - height} width={Math.max(1, width - 1)} height={height} className="fill-accent">
              <title>{`${measured(edges[i]!)} to ${measured(edges[i + 1]!)}: ${count(n)}`}</title>
            </rect>
          );
        })}
      </svg>
      <p className="flex justify-between font-mono text-2xs text-dim">
        <span>{measured(low)}</span>
        <span>{count(total)} values</span>
        <span>{measured(high)}</span>
      </p>
    </div>
  );
}

const rowsShown = 100;
/** As wide as its text, up to a width at which a long one wraps: the table scrolls, and no column hides another. */
const cellClass = 'w-max max-w-64 wrap-anywhere';

function Rows({ table: { columns, rows } }: { table: Table }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section aria-label="Table" tabIndex={0} className="relative max-h-64 overflow-auto">
      <table className="w-full text-xs">
        <thead className="sticky top-0 bg-panel">
          <tr>
            {columns.map((c, i) => (
              <th key={i} scope="col" className="px-2 py-1 text-left text-2xs font-medium text-dim">
                <div className={cellClass}>{c}</div>
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="font-mono">
          {rows.slice(0, rowsShown).map((row, r) => (
            <tr key={r} className="border-t border-line align-top">
              {row.map((cell, i) => (
                <td key={i} className="px-2 py-0.5" dir="auto">
                  <div className={`${cellClass} ${typeof cell === 'number' ? 'ml-auto' : ''}`}>
                    {cell === null ? '–' : typeof cell === 'number' && !Number.isInteger(cell) ? measured(cell, 6) : String(cell)}
                  </div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > rowsShown && (
        <p className="px-2 py-1 text-2xs text-dim">
          the first {rowsShown} of {count(rows.length)} rows
        </p>
      )}
    </section>
  );
}

function Picture({ item: { blob, name, step } }: { item: MediaItem }) {
  const hash = blob?.hash ?? '';
  const { data, error } = useQuery({
    queryKey: ['picture', hash],
    enabled: hash !== '',
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => {
      const bytes = await fetchBlob(hash);
      const type = imageType(bytes);
      if (!type) throw new Error('this is no picture that a browser shows (PNG, JPEG, GIF or WebP)');
      return new Blob([bytes as Uint8Array<ArrayBuffer>], { type });
    },
  });
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (!data) return;
    const made = URL.createObjectURL(data);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [data]);
  if (error) return <Trouble message={error.message} />;
  if (!url) return <div className="h-32 animate-pulse bg-raised" />;
  return (
    // biome-ignore lint/performance/noImgElement: a picture from the run, created in this tab.
    <img
      src={url}
      alt={`${name} at step ${count(step)}`}
      className="mx-auto max-h-80 object-contain [image-rendering:pixelated]"
    />
  );
}

const Trouble = ({ message }: { message: string }) => <p className="px-2 py-2 text-xs text-bad">{message}</p>;
