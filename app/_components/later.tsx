import { type ComponentType, type LazyExoticComponent, lazy } from 'react';
import { backoffMs } from '~/app/_live/backoff';
import { atBase } from '~/app/_live/base';
import { Button } from './Button';

// biome-ignore lint/suspicious/noExplicitAny: the properties of any component, as in the type of React's lazy
type AnyComponent = ComponentType<any>;

/** After so many answers of a server that lacks the script, the server is taken to have another version of the pages. */
const mostMissing = 3;

/**
 * A component whose script is loaded when it is first shown. It never throws because of that: while the server cannot be reached,
 * the script is requested again; when the server no longer has it, the component says that Headroom was updated.
 */
export const later = <C extends AnyComponent>(load: () => Promise<{ default: C }>): LazyExoticComponent<C> =>
  lazy(() => loaded(load));

async function loaded<C extends AnyComponent>(load: () => Promise<{ default: C }>): Promise<{ default: C }> {
  let missing = 0;
  for (let failures = 1; missing < mostMissing; failures++) {
    try {
      return await load();
    } catch (error) {
      if (!(error instanceof Error && error.name === 'ChunkLoadError')) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, backoffMs(failures, Math.random())));
    const reached = await fetch(atBase('/healthz')).catch(() => null);
    missing = reached?.ok ? missing + 1 : 0;
  }
  return { default: Outdated as unknown as C };
}

/** Stands for what a person opened until its script is there. It appears only where that takes longer than 0.3 s. */
export const Opening = () => (
  <p
    role="status"
    className="fixed bottom-3 left-1/2 z-60 -translate-x-1/2 animate-[appear_1ms_300ms_both] rounded border border-line bg-raised px-3 py-2 shadow-lg shadow-black/20"
  >
    Loading…
  </p>
);

function Outdated() {
  return (
    <p role="alert" className="fixed bottom-3 left-3 z-50 flex items-center gap-3 rounded border border-warn bg-raised px-3 py-2">
      Headroom was updated while this page was open.
      <Button onClick={() => location.reload()}>Reload the page</Button>
    </p>
  );
}
