import { memo, type ReactNode, useId } from 'react';
import { sequentialPalettes } from '~/app/_charts/attention/palettes';
import { scaleOffered } from '~/app/_charts/attention/scale';
import { describeHeads } from '~/app/_charts/attention/selection';
import { headName, visibleText } from '~/app/_charts/attention/tokens';
import { Button } from '~/app/_components/Button';
import { Segments } from '~/app/_components/Segments';
import { type AttentionView, attentionView } from '~/app/_live/attentionView';
import type { Comparison } from '~/app/_live/comparison';
import { useOtherRuns } from '~/app/_live/otherRun';
import { useRunStore } from '~/app/_live/RunProvider';
import { type AttentionSnapshot, axisOf, labelText, targetKeys } from '~/shared/attentionSnapshot';
import { headCount } from '~/shared/snapshotFile';
import { ExportMenu } from './ExportMenu';
import type { Large } from './large';
import type { Scene } from './useScene';

export const selectClass = 'h-6 max-w-44 rounded border border-line bg-raised px-1 text-xs text-ink';

const scaleWords = {
  unit: '0 to 1',
  shared: 'shared maximum',
  head: 'each head’s own maximum',
  lift: '× uniform (log₂)',
} as const;

/** Chooses the example, the colors, and what to compare with. */
export const Toolbar = memo(function Toolbar({ scene, view, large }: { scene: Scene; view: AttentionView; large: Large }) {
  const { set } = attentionView;
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5 border-b border-line px-3 py-1.5">
      <Segments
        label="maps shown"
        options={layouts}
        value={view.comparison ? 'panes' : 'one'}
        onChange={(to) => set({ comparison: to === 'one' ? null : startOf(view, large) })}
      />
      {!view.comparison && <OneStep scene={scene} view={view} large={large} />}
      <label
        className="flex items-center gap-1 text-xs text-dim"
        title="query 0 at the bottom, as matplotlib's origin='lower' draws it"
      >
        <input type="checkbox" checked={view.flip} onChange={(e) => set({ flip: e.target.checked })} />
        first row at the bottom
      </label>
      <span className="ml-auto flex items-center gap-1.5">
        <Button size="small" aria-pressed={view.asTable} onClick={() => set({ asTable: !view.asTable })}>
          {view.asTable ? 'as a map' : 'as a table'}
        </Button>
        {!view.comparison && <ExportMenu scene={scene} large={large} />}
      </span>
    </div>
  );
});

const layouts = [
  { value: 'one', label: 'one step', title: 'every head at the step where the page stands' },
  { value: 'panes', label: 'compare', title: 'two to four panes side by side: other steps, runs, examples' },
] as const;

/** The initial comparison: the current maps beside those of step 0. */
function startOf(view: AttentionView, { head }: Large): Comparison {
  const source = typeof view.source === 'string' ? 'mean' : view.source;
  const pane = { run: null, source, head } as const;
  return {
    panes: [
      { ...pane, at: { step: 0 } },
      { ...pane, at: 'linked' },
    ],
    align: 'step',
    scale: view.scale === 'head' || view.scale === 'auto' ? 'unit' : view.scale,
    minus: null,
    lead: null,
  };
}

/** Toolbar for a single step: example or average, colors, and what is subtracted. */
function OneStep({ scene, view, large }: { scene: Scene; view: AttentionView; large: Large }) {
  const { set } = attentionView;
  const { snapshot, maps, shown } = scene;
  const total = headCount(snapshot.layers);
  return (
    <>
      <ExamplePicker scene={scene} view={view} />
      <Choice label="colors">
        <select
          className={selectClass}
          value={scene.scaleKind}
          onChange={(e) => set({ scale: e.target.value as AttentionView['scale'] })}
          aria-label="color scale"
        >
          {(['unit', 'shared', 'head', 'lift'] as const).map((kind) => (
            <option key={kind} value={kind} disabled={!scaleOffered(kind, maps.quantity)}>
              {maps.quantity === 'difference' && kind === 'unit' ? '−1 to 1' : scaleWords[kind]}
            </option>
          ))}
        </select>
        <select
          className={selectClass}
          value={view.palette}
          onChange={(e) => set({ palette: e.target.value as AttentionView['palette'] })}
          aria-label="palette"
          disabled={maps.quantity === 'difference' || scene.scaleKind === 'lift'}
          title="differences and lift are always blue to orange"
        >
          {sequentialPalettes.map((p) => (
            <option key={p}>{p}</option>
          ))}
        </select>
      </Choice>
      <Choice label="minus">
        <ReferencePicker scene={scene} view={view} large={large} />
      </Choice>
      {total > 1 && (
        <Choice label={`${describeHeads(shown, total)} as`}>
          <select
            className={selectClass}
            value={view.operation}
            onChange={(e) => set({ operation: e.target.value as AttentionView['operation'] })}
            aria-label="how heads are put together"
          >
            <option value="mean">mean</option>
            <option value="max">maximum</option>
            <option value="std">spread</option>
          </select>
          {shown.length < total && (
            <Button size="small" onClick={() => set({ hidden: [] })}>
              show all {total}
            </Button>
          )}
        </Choice>
      )}
    </>
  );
}

function Choice({ label, children }: { label: string; children: ReactNode }) {
  return (
    <span className="flex items-center gap-1 text-xs text-dim">
      <span className="max-w-40 truncate">{label}</span>
      {children}
    </span>
  );
}

function ExamplePicker({ scene, view }: { scene: Scene; view: AttentionView }) {
  const id = useId();
  const { snapshot, source, wrong } = scene;
  const { set } = attentionView;
  const offered = Array.from({ length: snapshot.examples }, (_, e) => e).filter(
    (e) => !view.mistakesOnly || wrong[e]! > 0 || (source.kind === 'example' && source.example === e),
  );
  const at = source.kind === 'example' ? offered.indexOf(source.example) : -1;
  const go = (by: number) => {
    const next = offered[(Math.max(0, at) + by + offered.length) % offered.length];
    if (next !== undefined) set({ source: { example: next } });
  };
  const bad = wrong.reduce((n, w) => n + (w > 0 ? 1 : 0), 0);
  const judged = snapshot.targets !== null && snapshot.predictions !== null;
  const text = (e: number) => {
    const verdict = !judged ? '' : wrong[e] === 0 ? ' ✓' : snapshot.answers === 1 ? ' ✗' : ` ✗ ${wrong[e]}`;
    return `${e + 1}: ${exampleText(snapshot, e)}${verdict}`;
  };
  return (
    <span className="flex flex-wrap items-center gap-1 text-xs text-dim">
      <label htmlFor={id}>example</label>
      <Button size="small" aria-label="previous example" onClick={() => go(-1)} disabled={offered.length < 2 && at >= 0}>
        ‹
      </Button>
      <select
        id={id}
        className={selectClass}
        value={source.kind === 'example' ? String(source.example) : source.kind}
        onChange={(e) => {
          const v = e.target.value;
          set({ source: v === 'mean' || v === 'spread' ? v : { example: Number(v) } });
        }}
      >
        {offered.map((e) => (
          <option key={e} value={e}>
            {text(e)}
          </option>
        ))}
        <option value="mean">mean over all {snapshot.examples}</option>
        <option value="spread">spread over all {snapshot.examples}</option>
      </select>
      <Button size="small" aria-label="next example" onClick={() => go(1)} disabled={offered.length < 2 && at >= 0}>
        ›
      </Button>
      {judged && (
        <label className="flex items-center gap-1" title="only examples with a wrong answer at this step">
          <input type="checkbox" checked={view.mistakesOnly} onChange={(e) => set({ mistakesOnly: e.target.checked })} />
          mistakes ({bad})
        </label>
      )}
      {source.kind !== 'example' && targetKeys(snapshot) !== null && (
        <label
          className="flex items-center gap-1"
          title={`move the ${snapshot.words.target} of each example to the last row and column before averaging`}
        >
          <input type="checkbox" checked={view.byRole} onChange={(e) => set({ byRole: e.target.checked })} />
          {snapshot.words.target} last
        </label>
      )}
    </span>
  );
}

/** Short description of an example: its inputs, its name, or its target. */
function exampleText(s: AttentionSnapshot, e: number): string {
  const { name } = s.exampleLabels[e]!;
  const targets = targetKeys(s);
  const axis = axisOf(s, e, 0, 'keys');
  const labels =
    axis && axis.kind !== 'pictures'
      ? axis.items
          .slice(0, 12)
          .map((_, t) => visibleText(labelText(s, axis, t)))
          .join(axis.kind === 'numbers' ? ' ' : '') + (axis.items.length > 12 ? ' …' : '')
      : null;
  const target = targets ? `${s.words.target} at ${targets[e]! + 1}` : null;
  return [name, labels, target].filter((part) => part !== null && part !== undefined).join(', ') || 'example';
}

type Reference = NonNullable<AttentionView['reference']>;

function ReferencePicker({ scene, view, large }: { scene: Scene; view: AttentionView; large: Large }) {
  const { runId } = useRunStore();
  const others = useOtherRuns(runId);
  const asked = view.reference;
  const several = headCount(scene.snapshot.layers) > 1;
  const offered: [Reference, string][] = [
    ['first', 'the first snapshot'],
    ['previous', 'the snapshot before'],
    [{ step: scene.recorded.step }, `step ${scene.recorded.step} (pin this one)`],
    ...(large.head && several ? [[large.head, headName(large.head.layer, large.head.head)] as [Reference, string]] : []),
    ...others.map((r): [Reference, string] => [{ run: r.runId }, `run ${r.name} (${r.runId})`]),
  ];
  // The list keeps a choice that came from a link or an earlier selection.
  if (asked !== null && !offered.some(([r]) => keyOf(r) === keyOf(asked))) offered.push([asked, wordsOf(asked)]);
  return (
    <select
      className={selectClass}
      value={keyOf(asked)}
      aria-label="subtract"
      onChange={(e) => attentionView.set({ reference: offered.find(([r]) => keyOf(r) === e.target.value)?.[0] ?? null })}
    >
      <option value={keyOf(null)}>nothing</option>
      {offered.map(([reference, words]) => (
        <option key={keyOf(reference)} value={keyOf(reference)}>
          {words}
        </option>
      ))}
    </select>
  );
}

function keyOf(r: AttentionView['reference']): string {
  if (r === null || typeof r === 'string') return String(r);
  if ('step' in r) return `step ${r.step}`;
  return 'run' in r ? `run ${r.run}` : `head ${r.layer}.${r.head}`;
}

function wordsOf(r: Reference): string {
  if (typeof r === 'string') return r;
  if ('step' in r) return `step ${r.step} (pinned)`;
  return 'run' in r ? `run ${r.run}` : headName(r.layer, r.head);
}
