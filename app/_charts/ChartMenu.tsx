import { Download } from 'lucide-react';
import { Suspense, useEffect, useEffectEvent, useRef, useState } from 'react';
import type { MenuChoice } from '~/app/_components/AnchorMenu';
import { copyText } from '~/app/_components/CopyLine';
import { IconButton } from '~/app/_components/IconButton';
import { later, Opening } from '~/app/_components/later';
import { useAttempt } from '~/app/_components/useAttempt';
import { forFile } from '~/shared/fileNames';
import { chartPng, saveFile } from './exportChart';
import type { ChartContent } from './lineLayout';
import type { ChartPoint } from './place';
import { valueFormat } from './readout';
import type { StepFile } from './types';
import { describeStep } from './xMap';

const AnchorMenu = later(() => import('~/app/_components/AnchorMenu'));

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
  const file = forFile(title).toLowerCase() || 'chart';
  const save = async (kind: 'png' | 'svg' | 'csv') => {
    if (kind === 'csv') return saveFile(`${file}.csv`, csv(), 'text/csv');
    const drawing = svg();
    if (!drawing) throw new Error('there is nothing drawn yet');
    if (kind === 'svg') saveFile(`${file}.svg`, drawing, 'image/svg+xml');
    else saveFile(`${file}.png`, await chartPng(drawing), 'image/png');
  };
  return { save: (kind: 'png' | 'svg' | 'csv') => void attempt(() => save(kind)), error: problem };
}

/** Menu of a chart: export as a picture or as numbers, and further items. Loaded when it is first opened. */
export function ChartMenu({ title, items = [], ...takeaway }: { title: string; items?: readonly MenuChoice[] } & Takeaway) {
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  const { save, error } = useSave(title, takeaway);
  return (
    <>
      <IconButton
        ref={button}
        size="small"
        icon={Download}
        aria-haspopup="menu"
        aria-expanded={open}
        label={`Save ${title} as a file`}
        title={error ?? 'Save as PNG, SVG or CSV'}
        className={error ? 'text-bad!' : ''}
        onClick={() => setOpen(!open)}
      />
      {open && (
        <Suspense fallback={<Opening />}>
          <OpenMenu
            label={`Save ${title}`}
            anchor={button.current}
            takeaway={takeaway}
            items={items}
            save={save}
            onClose={() => setOpen(false)}
          />
        </Suspense>
      )}
    </>
  );
}

function OpenMenu(props: {
  label: string;
  anchor: Element | null;
  takeaway: Takeaway;
  items: readonly MenuChoice[];
  save(kind: 'png' | 'svg' | 'csv'): void;
  onClose(): void;
}) {
  const { label, anchor, save, onClose } = props;
  const files = useStepFiles(props.takeaway);
  const choices: MenuChoice[] = [
    { text: 'Picture (PNG, 2x)', onChoose: () => save('png') },
    { text: 'Drawing (SVG)', onChoose: () => save('svg') },
    ...files.map(({ href, label, size }) => ({ text: `${label} (CSV)`, detail: size, href })),
    { text: files.length > 0 ? 'Only what is drawn (CSV)' : 'Numbers as drawn (CSV)', onChoose: () => save('csv') },
    ...props.items,
  ];
  return <AnchorMenu label={label} anchor={anchor} align="end" choices={choices} onClose={onClose} />;
}

/** The files while the menu is open. A range just zoomed into is still being read, so they are asked for again with everything read. */
function useStepFiles({ stepFiles, subscribe }: Takeaway): readonly StepFile[] {
  const [files, setFiles] = useState<readonly StepFile[]>(() => stepFiles?.() ?? []);
  const ask = useEffectEvent(() => {
    const next = stepFiles?.() ?? [];
    if (JSON.stringify(next) !== JSON.stringify(files)) setFiles(next);
  });
  const follow = useEffectEvent((listener: () => void) => subscribe(listener));
  useEffect(() => {
    ask();
    return follow(() => ask());
  }, []);
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
    nearest && { text: copied!, onChoose: () => void copyText(String(nearest.value)) },
    cursor.get().zoom !== null && { text: 'Show all steps', onChoose: () => cursor.zoom(null) },
    { text: 'Save the picture (PNG)', onChoose: () => save('png') },
    { text: 'Save the numbers drawn (CSV)', onChoose: () => save('csv') },
  ];
  return (
    <Suspense fallback={<Opening />}>
      <AnchorMenu
        label={`At ${place}`}
        anchor={{ getBoundingClientRect: () => new DOMRect(at.clientX, at.clientY, 0, 0) }}
        choices={choices.filter((choice) => !!choice)}
        focuses={false}
        onClose={onClose}
      />
    </Suspense>
  );
}
