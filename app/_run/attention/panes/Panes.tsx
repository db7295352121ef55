import { Plus } from 'lucide-react';
import { useMemo, useRef } from 'react';
import { ColorBar } from '~/app/_charts/attention/ColorBar';
import type { Focus, FocusEvent } from '~/app/_charts/attention/focus';
import { peakOf } from '~/app/_charts/attention/raster';
import { colorScale } from '~/app/_charts/attention/scale';
import { noTokens } from '~/app/_charts/attention/tokens';
import { useSize } from '~/app/_charts/useSize';
import { Button } from '~/app/_components/Button';
import { Choose } from '~/app/_components/Choose';
import { Remark } from '~/app/_components/Remark';
import { type Comparison, fewestPanes, mostPanes, type Pane, paneAlignments, paneScales } from '~/app/_live/comparison';
import type { RunBeside } from '~/app/_live/runsBeside';
import { scaleWords } from '~/app/_run/attention/Toolbar';
import { paneDifference, shapeText } from './difference';
import { PaneCard } from './PaneCard';
import { PaneMaps } from './PaneMaps';
import { letters, type Position, type ShownPane, usePanes } from './usePanes';

interface PanesProps {
  comparison: Comparison;
  onChange: (comparison: Comparison) => void;
  /** The runs that the panes show, by id. */
  runs: ReadonlyMap<string, RunBeside>;
  /** Runs that a pane can show; null = the run of the page. */
  offered: readonly { run: string | null; name: string }[];
  ownRun: string;
  position: Position;
  /** Called when somebody moves a linked pane. */
  onMove: (position: Position) => void;
  focus: Focus;
  onFocus: (event: FocusEvent) => void;
  palette: 'viridis' | 'cividis' | 'gray';
  theme: 'light' | 'dark';
  flip: boolean;
  asTable: boolean;
}

const narrowest = 270;
const gap = 8;

/** Two to four panes side by side with one cursor, one color scale and one pointer. */
export function Panes(props: PanesProps) {
  const { comparison, onChange, runs, offered, ownRun, position, onMove, focus, onFocus, theme, palette, flip, asTable } = props;
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  const shown = usePanes(comparison, runs, ownRun, position);
  const { minus } = comparison;
  const difference = minus && paneDifference(shown[minus[0]], shown[minus[1]]);
  const { kind, scale, note } = useScale(comparison, shown, palette, theme);
  const differences = useMemo(() => {
    const shared = comparison.scale === 'shared';
    const peak = shared && difference?.maps ? Math.max(...difference.maps.values.map((v) => peakOf(v))) : 1;
    return colorScale({ kind: shared ? 'shared' : 'unit', quantity: 'difference', peak, sequential: palette, theme });
  }, [comparison.scale, difference?.maps, palette, theme]);
  const cards = shown.length + (difference ? 1 : 0);
  const fit = Math.max(1, Math.floor((width + gap) / (narrowest + gap)));
  // Rows of equal length where possible: four panes where three fit become two and two.
  const columns = Math.ceil(cards / Math.ceil(cards / fit));
  const cardWidth = Math.floor((width + gap) / columns) - gap;
  const look = { lit: focus.hovered ?? focus.pinned, pinned: focus.pinned, flip, asTable, onFocus };
  const between = minus && `pane ${letters[minus[0]]} minus pane ${letters[minus[1]]}`;
  const change = (n: number, of: Partial<Pane>) =>
    onChange({ ...comparison, panes: comparison.panes.map((p, i) => (i === n ? { ...p, ...of } : p)) });

  return (
    <div className="flex flex-col gap-2 p-3" data-testid="panes">
      <Bar comparison={comparison} onChange={onChange} kind={kind} />
      {note && <Remark tone="warn">{note}</Remark>}
      <div ref={box} className="flex flex-wrap items-start" style={{ gap }}>
        {width > 0 &&
          shown.map((at, n) => (
            <PaneCard
              key={n}
              shown={at}
              runs={offered}
              scale={scale}
              {...look}
              width={cardWidth}
              onChange={(of) => change(n, of)}
              onMove={(step) => (at.pane.at === 'linked' ? onMove({ run: at.runId, step }) : change(n, { at: { step } }))}
              onRemove={
                shown.length > fewestPanes
                  ? () => onChange({ ...comparison, panes: comparison.panes.filter((_, i) => i !== n), minus: null })
                  : null
              }
            />
          ))}
        {width > 0 && minus && between && difference && (
          <section
            aria-label={between}
            data-pane="difference"
            className="flex min-w-0 flex-col gap-1.5 rounded border border-line border-dashed p-2"
            style={{ width: cardWidth }}
          >
            <h4 className="text-xs font-semibold">
              {letters[minus[0]]} − {letters[minus[1]]}
            </h4>
            {difference.note && (
              <p role="status" className={`text-xs ${difference.maps ? 'text-warn' : 'py-8 text-center text-dim'}`}>
                {difference.note}
              </p>
            )}
            {difference.maps && (
              <>
                <PaneMaps
                  maps={difference.maps}
                  head={null}
                  where={between}
                  tokensOf={shown[minus[0]]?.shown?.tokensOf ?? (() => noTokens)}
                  scale={differences}
                  {...look}
                  width={cardWidth - 18}
                />
                <ColorBar scale={differences} title="difference of weights" />
              </>
            )}
          </section>
        )}
      </div>
      <ColorBar scale={scale} title={`attention weight, panes ${shown.map((s) => s.letter).join(', ')}`} />
    </div>
  );
}

const alignWords: Record<Comparison['align'], string> = {
  step: 'at the same step',
  epoch: 'at the same epoch',
  'equal loss': 'at equal loss',
};
interface BarProps {
  comparison: Comparison;
  onChange: (comparison: Comparison) => void;
  kind: Comparison['scale'];
}

function Bar({ comparison, onChange, kind }: BarProps) {
  const { panes, align, minus } = comparison;
  const pairs = panes.flatMap((_, a) => panes.map((_, b) => [a, b] as const)).filter(([a, b]) => a !== b);
  const set = (change: Partial<Comparison>) => onChange({ ...comparison, ...change });
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5 text-xs text-dim">
      <Choose
        label="linked panes"
        options={paneAlignments.map((a) => ({ value: a, text: alignWords[a] }))}
        value={align}
        title="equal loss: the first step by which the smoothed loss was as low"
        onPick={(next) => set({ align: next, lead: null })}
      />
      <Choose
        label="colors"
        options={paneScales.map((s) => ({ value: s, text: scaleWords[s] }))}
        value={kind}
        onPick={(scale) => set({ scale })}
      />
      <Choose
        label="difference"
        options={[
          { value: '', text: 'none' },
          ...pairs.map(([a, b]) => ({ value: `${a},${b}`, text: `${letters[a]} − ${letters[b]}` })),
        ]}
        value={minus ? minus.join() : ''}
        onPick={(pair) => {
          const [a, b] = pair.split(',').map(Number);
          set({ minus: a === undefined || b === undefined ? null : [a, b] });
        }}
      />
      {panes.length < mostPanes && (
        <Button size="small" onClick={() => set({ panes: [...panes, { ...panes.at(-1)!, at: 'linked' }] })}>
          <Plus aria-hidden size={12} /> pane
        </Button>
      )}
    </div>
  );
}

/** One scale for all panes, so that equal weights have equal colors. */
function useScale(comparison: Comparison, shown: readonly ShownPane[], palette: PanesProps['palette'], theme: 'light' | 'dark') {
  const maps = shown.flatMap((s) => (s.shown ? [s.shown.maps] : []));
  const lengths = [...new Set(maps.flatMap((m) => m.layers.map((l) => l.keys)))];
  const wanted = comparison.scale;
  // The uniform weight depends on the number of keys: one color bar cannot show several.
  const kind = wanted === 'lift' && lengths.length > 1 ? 'unit' : wanted;
  const keys = Math.max(2, ...lengths);
  const peak = kind === 'shared' ? Math.max(0, ...maps.flatMap((m) => m.values.map((v) => peakOf(v)))) : 1;
  const scale = useMemo(() => colorScale({ kind, keys, peak, sequential: palette, theme }), [kind, keys, peak, palette, theme]);
  const sizes = shown.flatMap((s) => (s.shown ? [[s.letter, shapeText(s.shown.maps.layers)] as const] : []));
  const unlike =
    new Set(sizes.map(([, size]) => size)).size > 1
      ? `${sizes.map(([letter, size]) => `${letter} has ${size}`).join(', ')}: heads and tokens are lit by their numbers, where a pane has them.`
      : null;
  const lift = kind === wanted ? null : 'Lift compares with uniform, which is another weight for each length: 0 to 1 is shown.';
  return { kind, scale, note: [unlike, lift].filter(Boolean).join(' ') || null };
}
