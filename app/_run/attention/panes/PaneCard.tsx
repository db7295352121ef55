import { Link2, Link2Off, X } from 'lucide-react';
import { useMemo } from 'react';
import { mapOfHeads } from '~/app/_charts/attention/derive';
import { litHead, type Spot, within } from '~/app/_charts/attention/focus';
import type { ColorScale } from '~/app/_charts/attention/scale';
import { allHeads, headKey } from '~/app/_charts/attention/selection';
import { describeToken, headName } from '~/app/_charts/attention/tokens';
import { Button } from '~/app/_components/Button';
import { Choose } from '~/app/_components/Choose';
import { count, measured } from '~/app/_components/format';
import { IconButton } from '~/app/_components/IconButton';
import { Remark } from '~/app/_components/Remark';
import type { Pane } from '~/app/_live/comparison';
import { nearestIndex } from '~/app/_live/recorded';
import { type PaneLook, PaneMaps } from './PaneMaps';
import type { ShownMaps, ShownPane } from './usePanes';

interface PaneCardProps extends PaneLook {
  shown: ShownPane;
  /** Runs to choose from; null = the run of the page. */
  runs: readonly { run: string | null; name: string }[];
  scale: ColorScale;
  onChange: (change: Partial<Pane>) => void;
  /** Called when somebody changes the step of this pane. */
  onMove: (step: number) => void;
  /** null = the pane cannot be removed: the comparison has the minimum number. */
  onRemove: (() => void) | null;
}

/** One pane: its run and example, its step, and its maps. */
export function PaneCard({ shown: at, runs, scale, onChange, onMove, onRemove, ...look }: PaneCardProps) {
  const { pane, letter, run, shown } = at;
  const { lit, pinned, width } = look;
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
        <Choose
          aria-label={name('run')}
          className="max-w-none! min-w-0 flex-1"
          options={runs.map((r) => ({ value: r.run ?? '', text: r.name }))}
          value={pane.run ?? ''}
          unlisted={run?.name ?? at.runId}
          onPick={(id) => onChange({ run: id || null })}
        />
        {onRemove && <IconButton size="small" icon={X} label={name('remove')} onClick={onRemove} />}
      </header>
      <div className="flex flex-wrap items-center gap-1.5">
        <WhichMaps shown={shown} pane={pane} name={name} onChange={onChange} />
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
      <StepLine shown={at} onChange={onChange} onMove={onMove} />
      {shown ? (
        <PaneMaps
          {...look}
          maps={shown.maps}
          head={shown.head}
          where={`pane ${letter}, ${shown.where}`}
          tokensOf={shown.tokensOf}
          scale={scale}
          lit={within(lit, shown.snapshot)}
          pinned={within(pinned, shown.snapshot)}
          width={width - 18}
        />
      ) : (
        <p className="grid h-48 place-items-center text-xs text-dim">{run && at.problems.length > 0 ? '' : 'loading …'}</p>
      )}
      {shown && (
        <p className="flex h-4 gap-2 text-2xs">
          <Value shown={shown} spot={lit} />
          {at.loss !== null && (
            <span className="ml-auto whitespace-nowrap text-dim" title="lowest smoothed loss up to this step">
              lowest loss {measured(at.loss)}
            </span>
          )}
        </p>
      )}
      {at.problems.map((problem) => (
        <Remark key={problem} tone="warn">
          {problem}
        </Remark>
      ))}
    </section>
  );
}

/** The step of the pane, and whether it follows the other panes. */
function StepLine({ shown: at, onChange, onMove }: Pick<PaneCardProps, 'shown' | 'onChange' | 'onMove'>) {
  const { pane, letter, run, look } = at;
  const list = run?.feed.recorded ?? [];
  const linked = pane.at === 'linked';
  const step = look?.nearest?.step ?? at.step;
  return (
    <div className="flex items-center gap-1.5 text-xs">
      <IconButton
        size="small"
        icon={linked ? Link2 : Link2Off}
        className="aria-pressed:text-accent"
        aria-pressed={linked}
        label={`pane ${letter}: moves with the others`}
        title={
          linked ? 'moves with the others; click to keep it where it is' : 'stays where it is; click to move it with the others'
        }
        onClick={() => onChange({ at: linked ? { step } : 'linked' })}
      />
      <input
        type="range"
        className="h-6 min-w-0 flex-1"
        min={0}
        max={Math.max(0, list.length - 1)}
        value={Math.max(0, nearestIndex(list, step))}
        disabled={list.length < 2}
        aria-label={`pane ${letter}: step`}
        aria-valuetext={`step ${count(step)}`}
        onChange={(e) => {
          const to = list[Number(e.target.value)]?.step;
          if (to !== undefined) onMove(to);
        }}
      />
      <span className="min-w-18 text-right whitespace-nowrap text-dim">
        {look?.shown && look.shown.recorded !== look.nearest && !look.error ? (
          <span className="text-warn">step {count(step)} loading</span>
        ) : (
          <>
            {look?.nearest && at.step !== step && (
              <span title={`nearest recorded to step ${count(at.step)}`}>{count(at.step)} ≈ </span>
            )}
            step <strong className="font-mono text-ink">{count(step)}</strong>
          </>
        )}
      </span>
    </div>
  );
}

interface WhichProps extends Pick<PaneCardProps, 'onChange'> {
  shown: ShownMaps | null;
  pane: Pane;
  name: (what: string) => string;
}

/** Which heads, and of which example. A choice that these maps do not have stays in the list. */
function WhichMaps({ shown, pane, name, onChange }: WhichProps) {
  const heads = (shown ? allHeads(shown.snapshot.layers) : []).map((id) => ({
    value: headKey(...id),
    text: headName(...id),
  }));
  const head = pane.head ? headKey(pane.head.layer, pane.head.head) : '';
  const count = shown?.snapshot.examples ?? 0;
  const example = pane.source === 'mean' ? null : pane.source.example;
  const examples = Array.from({ length: count }, (_, e) => ({ value: String(e), text: `example ${e + 1}` }));
  return (
    <>
      <Choose
        aria-label={name('heads')}
        options={[{ value: '', text: 'all heads' }, ...heads]}
        value={head}
        unlisted={pane.head ? headName(pane.head.layer, pane.head.head) : undefined}
        onPick={(key) => {
          const [l, h] = key.split('.').map(Number);
          onChange({ head: l === undefined || h === undefined ? null : { layer: l, head: h } });
        }}
      />
      <Choose
        aria-label={name('example')}
        options={[{ value: 'mean', text: 'mean of examples' }, ...examples]}
        value={example === null ? 'mean' : String(example)}
        unlisted={example === null ? undefined : `example ${example + 1}`}
        onPick={(e) => onChange({ source: e === 'mean' ? 'mean' : { example: Number(e) } })}
      />
    </>
  );
}

/** The number of this pane at the cell under the pointer, whichever pane the pointer is on. */
function Value({ shown, spot }: { shown: ShownMaps; spot: Spot | null }) {
  const text = useMemo(() => {
    const at = within(spot, shown.snapshot);
    if (!at || at.query === null || at.key === null) return '';
    const { maps, tokensOf } = shown;
    const head = shown.head ?? litHead(at);
    // The maps of a single head are a grid of one cell.
    const { layer, values } = mapOfHeads(maps, shown.head ? { layer: 0, head: 0 } : head, allHeads(maps.layers), 'mean');
    const { queries, keys } = maps.layers[layer]!;
    if (at.query >= queries || at.key >= keys) return '';
    const tokens = tokensOf(layer);
    const where = head ? headName(head.layer, head.head) : 'mean of heads';
    const cell = `${describeToken(tokens.queries[at.query], at.query)} → ${describeToken(tokens.keys[at.key], at.key)}`;
    return `${where}, ${cell}: ${values[at.query * keys + at.key]!.toFixed(4)}`;
  }, [shown, spot]);
  return (
    <span className="truncate font-mono" title={text} data-testid="pane-value">
      {text}
    </span>
  );
}
