import { memo, Suspense } from 'react';
import { count } from '~/app/_components/format';
import { Awaited, later } from '~/app/_components/later';
import { Segments } from '~/app/_components/Segments';
import { type AttentionView, attentionView } from '~/app/_live/attentionView';
import { counted } from '~/shared/numbers';
import { Heads } from './Heads';
import { useSettled } from './useSettled';
import { useWorkspace } from './workspaceContext';

const Scatter = later(() => import('./views/Scatter').then((m) => ({ default: m.Scatter })));
const Likeness = later(() => import('./views/Likeness').then((m) => ({ default: m.Likeness })));
const Flow = later(() => import('./views/Flow').then((m) => ({ default: m.Flow })));

const views: readonly { value: AttentionView['heads']; label: string; title: string }[] = [
  { value: 'table', label: 'table', title: 'what each head does, in numbers' },
  { value: 'scatter', label: 'scatter', title: 'heads as points of two signals, with where they came from' },
  { value: 'likeness', label: 'likeness', title: 'which heads look alike, here and in another run' },
  { value: 'flow', label: 'flow', title: 'what each token draws on, layer by layer' },
];

/** Compares the heads in one of four views. */
export const HeadViews = memo(function HeadViews() {
  const { scene, large, view } = useWorkspace();
  const settled = useSettled(scene.snapshot);
  const table = view.heads === 'table';
  return (
    // Out of sight it is neither laid out nor painted: a large table would cost time in every frame.
    <section aria-label="heads" className="-m-1 min-w-0 p-1 [contain-intrinsic-block-size:auto_24rem] [content-visibility:auto]">
      <header className="mb-2 flex flex-wrap items-center gap-x-3 gap-y-1 text-xs">
        <h3 className="font-semibold">Heads at step {count(table ? settled.step : scene.recorded.step)}</h3>
        <Segments label="heads as" options={views} value={view.heads} onChange={(heads) => attentionView.set({ heads })} />
        <span className="text-dim">
          {table ? `mean over ${counted(settled.examples, 'probe example')}` : views.find((v) => v.value === view.heads)?.title}
        </span>
      </header>
      {table ? (
        <Heads snapshot={settled} hidden={scene.hidden} active={large.head} />
      ) : (
        <Suspense fallback={<Awaited className="h-80">Loading…</Awaited>}>
          {view.heads === 'scatter' && <Scatter />}
          {view.heads === 'likeness' && <Likeness />}
          {view.heads === 'flow' && <Flow />}
        </Suspense>
      )}
    </section>
  );
});
