import { Menu } from '@base-ui/react/menu';
import { Download } from 'lucide-react';
import { useState } from 'react';
import { chartPng, download } from './exportChart';
import type { StepFile } from './types';

/** How a chart is taken away. */
export interface Takeaway {
  /** null before the first drawing */
  svg(): string | null;
  /** The numbers drawn. */
  csv(): string;
  /** Every step of the range shown, from the server. */
  stepFiles?(): readonly StepFile[];
}

/** Takes a chart away as a picture or as numbers. */
export function ChartMenu({ title, svg, csv, stepFiles }: { title: string } & Takeaway) {
  const [error, setError] = useState<string | null>(null);
  const [files, setFiles] = useState<readonly StepFile[]>([]);
  const file = title.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const save = async (kind: 'png' | 'svg' | 'csv') => {
    setError(null);
    try {
      if (kind === 'csv') return download(`${file}.csv`, csv(), 'text/csv');
      const drawing = svg();
      if (!drawing) throw new Error('there is nothing drawn yet');
      if (kind === 'svg') download(`${file}.svg`, drawing, 'image/svg+xml');
      else download(`${file}.png`, await chartPng(drawing), 'image/png');
    } catch (e) {
      setError(e instanceof Error ? e.message : String(e));
    }
  };
  const item = 'block w-full cursor-default rounded px-2 py-1 text-left outline-none data-highlighted:bg-line';
  return (
    <Menu.Root onOpenChange={(open) => open && setFiles(stepFiles?.() ?? [])}>
      <Menu.Trigger
        aria-label={`Save ${title} as a file`}
        title={error ?? 'Save as PNG, SVG or CSV'}
        className={`rounded p-1 hover:bg-raised hover:text-ink ${error ? 'text-bad' : 'text-dim'}`}
      >
        <Download aria-hidden size={13} />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner sideOffset={4} align="end" className="z-60">
          <Menu.Popup className="min-w-44 rounded border border-line bg-raised p-1 text-xs shadow-lg shadow-black/25 outline-none">
            <Menu.Item className={item} onClick={() => save('png')}>
              Picture (PNG, 2x)
            </Menu.Item>
            <Menu.Item className={item} onClick={() => save('svg')}>
              Drawing (SVG)
            </Menu.Item>
            {files.map(({ href, label, size }) => (
              <Menu.Item key={href} className={item} render={<a href={href} download />}>
                {label} (CSV)
                <span className="block text-2xs text-dim">{size}</span>
              </Menu.Item>
            ))}
            <Menu.Item className={item} onClick={() => save('csv')}>
              {files.length > 0 ? 'Only what is drawn (CSV)' : 'Numbers as drawn (CSV)'}
            </Menu.Item>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
