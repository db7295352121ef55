import { Link2, Link2Off, X } from 'lucide-react';
import { useMemo } from 'react';
import { aggregate, headMap, ofOneSize } from '~/app/_charts/attention/derive';
import { type FocusEvent, litHead, type Spot, within } from '~/app/_charts/attention/focus';
import type { ColorScale } from '~/app/_charts/attention/scale';
import { allHeads } from '~/app/_charts/attention/selection';
import { headName, type Token } from '~/app/_charts/attention/tokens';
import { Button } from '~/app/_components/Button';
import { measured } from '~/app/_components/format';
import type { Pane } from '~/app/_live/comparison';
import { nearestIndex } from '~/app/_live/snapshotFeed';
import { selectClass } from '~/app/_run/attention/Toolbar';
import { PaneMaps } from './PaneMaps';
import type { ShownMaps, ShownPane } from './usePanes';

interface PaneCardProps {
  shown: ShownPane;
  /** Runs to choose from; null = the run of the page. */
  runs: readonly { run: string | null; name: string }[];
  scale: ColorScale;
  lit: Spot | null;
  pinned: Spot | null;
  /** CSS pixels. */
  width: number;
  flip: boolean;
  asTable: boolean;
  onFocus: (event: FocusEvent) => void;
  onChange: (change: Partial<Pane>) => void;
  /** Called when somebody changes the step of this pane. */
  onMove: (step: number) => void;
  /** null = the pane cannot be removed: the comparison has the minimum number. */
  onRemove: (() => void) | null;
}

/** One pane: its run and example, its step, and its maps. */
export function PaneCard(props: PaneCardProps) {
  const { shown: at, runs, scale, lit, pinned, width, flip, asTable, onFocus, onChange, onRemove } = props;
  const { pane, letter, run, shown } = at;
  const name = (what: string) => `pane ${letter}: ${what}`;
  return (
    <section
      aria-label={`pane ${letter}`}
      data-pane={letter}
      data-step={at.look?.shown?.recorded.step}
      className="flex min-w-0 flex-col gap-1.5 rounded border border-line p-2"
      style={{ width }}
    >
      <header className="flex items-center gap-1.5">
        <strong className="w-4 shrink-0 text-center font-mono text-xs">{letter}</strong>
        <select
          aria-label={name('run')}
          className={`${selectClass} max-w-none! min-w-0 flex-1`}
          value={pane.run ?? ''}
          onChange={(e) => onChange({ run: e.target.value || null })}
        >
          {!runs.some((r) => r.run === pane.run) && <option value={pane.run ?? ''}>{run?.name ?? at.runId}</option>}
          {runs.map((r) => (
            <option key={r.run ?? ''} value={r.run ?? ''}>
              {r.name}
            </option>
          ))}
        </select>
        {onRemove && (
          <Button size="small" look="bare" aria-label={name('remove')} onClick={onRemove}>
            <X aria-hidden size={13} />
          </Button>
        )}
      </header>
      <div className="flex flex-wrap items-center gap-1.5">
        <WhichHead shown={shown} pane={pane} label={name('heads')} onChange={onChange} />
        <WhichExample shown={shown} pane={pane} label={name('example')} onChange={onChange} />
        <Button
          size="small"
          aria-pressed={pane.at === 'newest'}
          aria-label={`newest: keep pane ${letter} at the newest snapshot`}
          className="ml-auto aria-pressed:border-accent"
          onClick={() => onChange({ at: pane.at === 'newest' ? { step: at.step } : 'newest' })}
        >
          newest
        </Button>
      </div>
      <StepLine {...props} />
      {shown ? (
        <PaneMaps
          maps={shown.maps}
          head={shown.head}
          where={`pane ${letter}, ${shown.where}`}
          tokensOf={shown.tokensOf}
          scale={scale}
          lit={within(lit, shown.snapshot)}
          pinned={within(pinned, shown.snapshot)}
          width={width - 18}
          flip={flip}
          asTable={asTable}
          onFocus={onFocus}
        />
      ) : (
        <p className="grid h-48 place-items-center text-xs text-dim">{run && at.problems.length > 0 ? '' : 'loading …'}</p>
      )}
      {shown && (
        <p className="flex h-4 gap-2 text-2xs">
          <Value shown={shown} spot={lit} />
          {at.loss !== null && (
            <span className="ml-auto whitespace-nowrap text-dim" title="lowest smoothed loss up to this step">
              loss {measured(at.loss)}
            </span>
          )}
        </p>
      )}
      {at.problems.map((problem) => (
        <p key={problem} role="status" className="text-xs text-warn">
          {problem}
        </p>
      ))}
    </section>
  );
}

/** The step of the pane, and whether it follows the other panes. */
function StepLine({ shown: at, onChange, onMove }: PaneCardProps) {
  const { pane, letter, run, look } = at;
  const list = run?.feed.recorded ?? [];
  const linked = pane.at === 'linked';
  const step = look?.nearest?.step ?? at.step;
  const place = nearestIndex(list, step);
  return (
    <div className="flex items-center gap-1.5 text-xs">
      <Button
        size="small"
        look="bare"
        aria-pressed={linked}
        aria-label={`pane ${letter}: moves with the others`}
        title={
          linked ? 'moves with the others; click to keep it where it is' : 'stays where it is; click to move it with the others'
        }
        onClick={() => onChange({ at: linked ? { step } : 'linked' })}
      >
        {linked ? <Link2 aria-hidden size={13} className="text-accent" /> : <Link2Off aria-hidden size={13} />}
      </Button>
      <input
        type="range"
        className="min-w-0 flex-1 accent-accent"
        min={0}
        max={Math.max(0, list.length - 1)}
        value={Math.max(0, place)}
        disabled={list.length < 2}
        aria-label={`pane ${letter}: step`}
        aria-valuetext={`step ${step}`}
        onChange={(e) => {
          const to = list[Number(e.target.value)]?.step;
          if (to !== undefined) onMove(to);
        }}
      />
      <span className="min-w-18 text-right whitespace-nowrap text-dim">
        {look?.shown && look.shown.recorded !== look.nearest && !look.error ? (
          <span className="text-warn">step {step} loading</span>
        ) : (
          <>
            {look?.nearest && at.step !== step && <span title={`nearest recorded to step ${at.step}`}>{at.step} ≈ </span>}
            step <strong className="font-mono text-ink">{step}</strong>
          </>
        )}
      </span>
    </div>
  );
}

interface Choice {
  shown: ShownMaps | null;
  pane: Pane;
  label: string;
  onChange: (change: Partial<Pane>) => void;
}

function WhichHead({ shown, pane, label, onChange }: Choice) {
  const heads = shown ? allHeads(shown.snapshot.layers) : [];
  const key = (head: Pane['head']) => (head ? `${head.layer}.${head.head}` : '');
  const missing = pane.head && !heads.some(([l, h]) => key({ layer: l, head: h }) === key(pane.head));
  return (
    <select
      aria-label={label}
      className={selectClass}
      value={key(pane.head)}
      onChange={(e) => {
        const [layer, head] = e.target.value.split('.').map(Number);
        onChange({ head: layer === undefined || head === undefined ? null : { layer, head } });
      }}
    >
      <option value="">all heads</option>
      {missing && <option value={key(pane.head)}>{headName(pane.head!.layer, pane.head!.head)}</option>}
      {heads.map(([layer, head]) => (
        <option key={`${layer}.${head}`} value={`${layer}.${head}`}>
          {headName(layer, head)}
        </option>
      ))}
    </select>
  );
}

function WhichExample({ shown, pane, label, onChange }: Choice) {
  const count = shown?.snapshot.examples ?? 0;
  const chosen = pane.source === 'mean' ? 'mean' : pane.source.example;
  return (
    <select
      aria-label={label}
      className={selectClass}
      value={chosen}
      onChange={(e) => onChange({ source: e.target.value === 'mean' ? 'mean' : { example: Number(e.target.value) } })}
    >
      <option value="mean">mean of examples</option>
      {chosen !== 'mean' && chosen >= count && <option value={chosen}>example {chosen + 1}</option>}
      {Array.from({ length: count }, (_, e) => (
        <option key={e} value={e}>
          example {e + 1}
        </option>
      ))}
    </select>
  );
}

/** The number of this pane at the cell under the pointer, whichever pane the pointer is on. */
function Value({ shown, spot }: { shown: ShownMaps; spot: Spot | null }) {
  const text = useMemo(() => {
    const at = within(spot, shown.snapshot);
    if (!at || at.query === null || at.key === null) return '';
    const { maps, tokensOf } = shown;
    const head = shown.head ?? litHead(at);
    const alike = ofOneSize(maps, allHeads(maps.layers));
    // The maps of a single head are a grid of one cell.
    const layer = head ? (shown.head ? 0 : head.layer) : alike.layer;
    const values = head ? headMap(maps, layer, shown.head ? 0 : head.head) : aggregate(maps, alike.heads, 'mean').values;
    const { queries, keys } = maps.layers[layer]!;
    if (at.query >= queries || at.key >= keys) return '';
    const tokens = tokensOf(layer);
    const value = values[at.query * keys + at.key]!;
    const where = head ? headName(head.layer, head.head) : 'mean of heads';
    return `${where}, ${name(tokens.queries[at.query], at.query)} → ${name(tokens.keys[at.key], at.key)}: ${value.toFixed(4)}`;
  }, [shown, spot]);
  return (
    <span className="truncate font-mono" title={text} data-testid="pane-value">
      {text}
    </span>
  );
}

const name = (token: Token | undefined, t: number) =>
  !token || token.text === String(t + 1) ? String(t + 1) : `${t + 1} (${token.text})`;
