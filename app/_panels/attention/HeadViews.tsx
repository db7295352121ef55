import { memo } from 'react';
import { Heads } from './Heads';
import type { Large } from './large';
import type { Scene } from './useScene';
import { useSettled } from './useSettled';

/** The heads side by side. */
export const HeadViews = memo(function HeadViews({ scene, large }: { scene: Scene; large: Large }) {
  const settled = useSettled(scene.snapshot);
  return (
    <section aria-label="heads" className="min-w-0">
      <h3 className="mb-1 text-xs font-semibold">
        Heads at step {settled.step}
        <span className="ml-2 font-normal text-dim">mean over {settled.examples} probe examples</span>
      </h3>
      <Heads snapshot={settled} hidden={scene.hidden} active={large.head} />
    </section>
  );
});
