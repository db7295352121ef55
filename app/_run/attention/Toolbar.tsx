import { memo, type ReactNode } from 'react';
import { sequentialPalettes } from '~/app/_charts/attention/palettes';
import { scaleKinds, scaleOffered } from '~/app/_charts/attention/scale';
import { describeHeads } from '~/app/_charts/attention/selection';
import { headName, visibleText } from '~/app/_charts/attention/tokens';
import { Button } from '~/app/_components/Button';
import { Choose } from '~/app/_components/Choose';
import { count } from '~/app/_components/format';
import { Segments } from '~/app/_components/Segments';
import { type AttentionView, attentionView } from '~/app/_live/attentionView';
import type { Comparison } from '~/app/_live/comparison';
import { runOption, useOtherRuns } from '~/app/_live/otherRun';
import { useRunStore } from '~/app/_live/RunProvider';
import { axisOf, labelText, targetKeys } from '~/shared/aboutSnapshot';
import type { AttentionSnapshot } from '~/shared/attentionSnapshot';
import { headCount } from '~/shared/snapshotFile';
import { ExportMenu } from './ExportMenu';
import type { Large } from './large';
import { useWorkspace } from './workspaceContext';

export const scaleWords = {
  unit: '0 to 1',
  shared: 'shared maximum',
  head: 'each head’s own maximum',
  lift: '× uniform (log₂)',
} as const;

const { set } = attentionView;

/** Chooses the example, the colors, and what to compare with. */
export const Toolbar = memo(function Toolbar() {
  const { view, large } = useWorkspace();
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5 border-b border-line px-3 py-1.5">
      <Segments
        label="maps shown"
        options={layouts}
        value={view.comparison ? 'panes' : 'one'}
        onChange={(to) => set({ comparison: to === 'one' ? null : startOf(view, large) })}
      />
      {!view.comparison && <OneStep />}
      <Check
        title="query 0 at the bottom, as matplotlib's origin='lower' draws it"
        checked={view.flip}
        onChange={(flip) => set({ flip })}
      >
        first row at the bottom
      </Check>
      <span className="ml-auto flex items-center gap-1.5">
        <Button size="small" aria-pressed={view.asTable} onClick={() => set({ asTable: !view.asTable })}>
          {view.asTable ? 'as a map' : 'as a table'}
        </Button>
        {!view.comparison && <ExportMenu />}
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
  const pane = { run: null, source: typeof view.source === 'string' ? 'mean' : view.source, head } as const;
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

interface CheckProps {
  title: string;
  checked: boolean;
  disabled?: boolean;
  onChange: (checked: boolean) => void;
  children: ReactNode;
}

export function Check({ title, checked, disabled, onChange, children }: CheckProps) {
  return (
    <label className="flex min-h-6 items-center gap-1 pl-1.5 text-xs text-dim" title={title}>
      <input type="checkbox" checked={checked} disabled={disabled} onChange={(e) => onChange(e.target.checked)} />
      {children}
    </label>
  );
}

function Group({ label, children }: { label: string; children: ReactNode }) {
  return (
    <span className="flex items-center gap-1 text-xs text-dim">
      <span className="max-w-40 truncate">{label}</span>
      {children}
    </span>
  );
}

const operations = [
  { value: 'mean', text: 'mean' },
  { value: 'max', text: 'maximum' },
  { value: 'std', text: 'spread' },
] as const;

/** Toolbar for a single step: example or average, colors, and what is subtracted. */
function OneStep() {
  const { scene, view } = useWorkspace();
  const { snapshot, maps, shown } = scene;
  const total = headCount(snapshot.layers);
  const difference = maps.quantity === 'difference';
  return (
    <>
      <ExamplePicker />
      <Group label="colors">
        <Choose
          aria-label="color scale"
          options={scaleKinds.map((kind) => ({
            value: kind,
            text: difference && kind === 'unit' ? '−1 to 1' : scaleWords[kind],
            disabled: !scaleOffered(kind, maps.quantity),
          }))}
          value={scene.scaleKind}
          onPick={(scale) => set({ scale })}
        />
        <Choose
          aria-label="palette"
          options={sequentialPalettes}
          value={view.palette}
          onPick={(palette) => set({ palette })}
          disabled={difference || scene.scaleKind === 'lift'}
          title="differences and lift are always blue to orange"
        />
      </Group>
      <Group label="minus">
        <ReferencePicker />
      </Group>
      {total > 1 && (
        <Group label={`${describeHeads(shown, total)} as`}>
          <Choose
            aria-label="how heads are put together"
            options={operations}
            value={view.operation}
            onPick={(operation) => set({ operation })}
          />
          {shown.length < total && (
            <Button size="small" onClick={() => set({ hidden: [] })}>
              show all {total}
            </Button>
          )}
        </Group>
      )}
    </>
  );
}

function ExamplePicker() {
  const { scene, view } = useWorkspace();
  const { snapshot, source, example, wrong } = scene;
  const offered = Array.from({ length: snapshot.examples }, (_, e) => e).filter(
    (e) => !view.mistakesOnly || wrong[e]! > 0 || example === e,
  );
  const at = example === null ? -1 : offered.indexOf(example);
  const step = (label: string, sign: string, by: number) => (
    <Button
      size="small"
      aria-label={label}
      disabled={offered.length < 2 && at >= 0}
      onClick={() => {
        // From the mean of all, forward to the first and back to the last.
        const next = offered.at(at < 0 ? Math.min(0, by) : (at + by) % offered.length);
        if (next !== undefined) set({ source: { example: next } });
      }}
    >
      {sign}
    </Button>
  );
  const judged = snapshot.targets !== null && snapshot.predictions !== null;
  const text = (e: number) => {
    const verdict = !judged ? '' : wrong[e] === 0 ? ' ✓' : snapshot.answers === 1 ? ' ✗' : ` ✗ ${wrong[e]}`;
    return `${e + 1}: ${exampleText(snapshot, e)}${verdict}`;
  };
  return (
    <span className="flex flex-wrap items-center gap-1 text-xs text-dim">
      <span aria-hidden>example</span>
      {step('previous example', '‹', -1)}
      <Choose
        aria-label="example"
        options={[
          ...offered.map((e) => ({ value: String(e), text: text(e) })),
          { value: 'mean', text: `mean over all ${snapshot.examples}` },
          { value: 'spread', text: `spread over all ${snapshot.examples}` },
        ]}
        value={example === null ? source.kind : String(example)}
        onPick={(v) => set({ source: v === 'mean' || v === 'spread' ? v : { example: Number(v) } })}
      />
      {step('next example', '›', 1)}
      {judged && (
        <Check
          title="only examples with a wrong answer at this step"
          checked={view.mistakesOnly}
          onChange={(mistakesOnly) => set({ mistakesOnly })}
        >
          mistakes ({wrong.filter((w) => w > 0).length})
        </Check>
      )}
      {example === null && targetKeys(snapshot) !== null && (
        <Check
          title={`move the ${snapshot.words.target} of each example to the last row and column before averaging`}
          checked={view.byRole}
          onChange={(byRole) => set({ byRole })}
        >
          {snapshot.words.target} last
        </Check>
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

function ReferencePicker() {
  const { scene, view, large } = useWorkspace();
  const { runId } = useRunStore();
  const others = useOtherRuns(runId);
  const { step } = scene.recorded;
  const { head } = large;
  const offered: [AttentionView['reference'], string][] = [
    [null, 'nothing'],
    ['first', 'the first snapshot'],
    ['previous', 'the snapshot before'],
    [{ step }, `step ${count(step)} (pin this one)`],
    ...(head && headCount(scene.snapshot.layers) > 1 ? [[head, headName(head.layer, head.head)] as [Reference, string]] : []),
    ...others.map((r): [Reference, string] => [{ run: r.runId }, `run ${runOption(r).text}`]),
  ];
  return (
    <Choose
      aria-label="subtract"
      options={offered.map(([r, text]) => ({ value: JSON.stringify(r), text }))}
      value={JSON.stringify(view.reference)}
      unlisted={view.reference === null ? undefined : wordsOf(view.reference)}
      onPick={(reference) => set({ reference: JSON.parse(reference) })}
    />
  );
}

function wordsOf(r: Reference): string {
  if (typeof r === 'string') return r;
  if ('step' in r) return `step ${count(r.step)} (pinned)`;
  return 'run' in r ? `run ${r.run}` : headName(r.layer, r.head);
}
