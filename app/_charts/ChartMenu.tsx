import { Menu } from '@base-ui/react/menu';
import { Download } from 'lucide-react';
import { type ReactNode, useEffect, useEffectEvent, useState } from 'react';
import AnchorMenu, { type MenuChoice, menuClass, menuItemClass } from '~/app/_components/AnchorMenu';
import { useAttempt } from '~/app/_components/useAttempt';
import { chartPng, download } from './exportChart';
import type { ChartContent } from './lineLayout';
import type { ChartPoint } from './place';
import { valueFormat } from './readout';
import type { StepFile } from './types';
import { describeStep } from './xMap';

/** Export formats of a chart. */
export interface Takeaway {
  /** null before the first drawing */
  svg(): string | null;
  /** The numbers that are drawn. */
  csv(): string;
  /** Files from the server with every step of the range shown, as far as it is known; `subscribe` tells when more is. */
  stepFiles?(): readonly StepFile[];
  subscribe(listener: () => void): () => void;
}

/** Saves what a chart shows; `error` says why the last export failed. */
export function useSave(title: string, { svg, csv }: Takeaway) {
  const { problem, attempt } = useAttempt();
  const file = title.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const save = async (kind: 'png' | 'svg' | 'csv') => {
    if (kind === 'csv') return download(`${file}.csv`, csv(), 'text/csv');
    const drawing = svg();
    if (!drawing) throw new Error('there is nothing drawn yet');
    if (kind === 'svg') download(`${file}.svg`, drawing, 'image/svg+xml');
    else download(`${file}.png`, await chartPng(drawing), 'image/png');
  };
  return { save: (kind: 'png' | 'svg' | 'csv') => void attempt(() => save(kind)), error: problem };
}

/**
 * Menu of a chart: export as a picture or as numbers, and further items (`children`). Before its first use it is a plain button: a page of many
 * charts opens few of their menus.
 */
export function ChartMenu({ title, children, ...takeaway }: { title: string; children?: ReactNode } & Takeaway) {
  const [used, setUsed] = useState(false);
  if (used) return <UsedMenu title={title} takeaway={takeaway} items={children} />;
  return (
    <button type="button" aria-haspopup="menu" aria-expanded={false} onClick={() => setUsed(true)} {...triggerProps(title, null)}>
      <Download aria-hidden size={13} />
    </button>
  );
}

const triggerProps = (title: string, error: string | null) => ({
  'aria-label': `Save ${title} as a file`,
  title: error ?? 'Save as PNG, SVG or CSV',
  className: `rounded p-1 hover:bg-raised hover:text-ink ${error ? 'text-bad' : 'text-dim'}`,
});

function UsedMenu({ title, takeaway, items }: { title: string; takeaway: Takeaway; items: ReactNode }) {
  const { save, error } = useSave(title, takeaway);
  const [open, setOpen] = useState(true);
  const files = useStepFiles(open, takeaway);
  return (
    <Menu.Root open={open} onOpenChange={setOpen}>
      <Menu.Trigger {...triggerProps(title, error)}>
        <Download aria-hidden size={13} />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner sideOffset={4} align="end" className="z-60">
          <Menu.Popup className={menuClass}>
            <Menu.Item className={menuItemClass} onClick={() => save('png')}>
              Picture (PNG, 2x)
            </Menu.Item>
            <Menu.Item className={menuItemClass} onClick={() => save('svg')}>
              Drawing (SVG)
            </Menu.Item>
            {files.map(({ href, label, size }) => (
              <Menu.Item key={href} className={menuItemClass} render={<a href={href} download />}>
                {label} (CSV)
                <span className="block text-2xs text-dim">{size}</span>
              </Menu.Item>
            ))}
            <Menu.Item className={menuItemClass} onClick={() => save('csv')}>
              {files.length > 0 ? 'Only what is drawn (CSV)' : 'Numbers as drawn (CSV)'}
            </Menu.Item>
            {items}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}

/** The files while the menu is open. A range just zoomed into is still being read, so they are asked for again with everything read. */
function useStepFiles(open: boolean, { stepFiles, subscribe }: Takeaway): readonly StepFile[] {
  const [files, setFiles] = useState<readonly StepFile[]>(() => stepFiles?.() ?? []);
  const ask = useEffectEvent(() => {
    const next = stepFiles?.() ?? [];
    if (JSON.stringify(next) !== JSON.stringify(files)) setFiles(next);
  });
  const follow = useEffectEvent((listener: () => void) => subscribe(listener));
  useEffect(() => {
    if (!open) return;
    ask();
    return follow(() => ask());
  }, [open]);
  return files;
}

/** Actions at a point of a chart, opened by a right click or a long press. */
export function PointMenu(props: {
  /** null = closed */
  at: ChartPoint | null;
  what: Pick<ChartContent, 'map' | 'percent' | 'cursor'>;
  onNote?: ((point: ChartPoint) => void) | undefined;
  save(kind: 'png' | 'csv'): void;
  onClose(): void;
}) {
  const { at, onNote, save, onClose } = props;
  const { map, percent, cursor } = props.what;
  if (!at) return null;
  const place = describeStep(map, at.step);
  const nearest = at.readings.find((r) => r.value !== null);
  const copied = nearest && `Copy ${nearest.label}: ${valueFormat(percent)(nearest.value!)}`;
  const choices: (MenuChoice | false | undefined)[] = [
    // In the next frame, once the menu has closed; otherwise it would also close what opens.
    onNote && { text: `Note at ${place} …`, onChoose: () => requestAnimationFrame(() => onNote(at)) },
    { text: `Pin ${place}`, onChoose: () => cursor.pin(at.step) },
    nearest && { text: copied!, onChoose: () => void navigator.clipboard?.writeText(String(nearest.value)) },
    cursor.get().zoom !== null && { text: 'Show all steps', onChoose: () => cursor.zoom(null) },
    { text: 'Save the picture (PNG)', onChoose: () => save('png') },
    { text: 'Save the numbers drawn (CSV)', onChoose: () => save('csv') },
  ];
  return (
    <AnchorMenu
      label={`At ${place}`}
      anchor={{ getBoundingClientRect: () => new DOMRect(at.clientX, at.clientY, 0, 0) }}
      choices={choices.filter((choice) => !!choice)}
      focuses={false}
      onClose={onClose}
    />
  );
}

/** A further item of a chart's menu. */
export const MenuItem = ({ onClick, children }: { onClick(): void; children: ReactNode }) => (
  <Menu.Item className={menuItemClass} onClick={onClick}>
    {children}
  </Menu.Item>
);
