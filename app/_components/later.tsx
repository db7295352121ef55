import { type ComponentType, type LazyExoticComponent, lazy, type ReactNode } from 'react';
import { backoffMs } from '~/app/_live/backoff';
import { atBase } from '~/app/_live/base';
import { unreachedWords } from '~/app/_live/reach';
import { useSelected } from '~/app/_live/select';
import { createStore } from '~/app/_live/store';
import { Button } from './Button';

// biome-ignore lint/suspicious/noExplicitAny: the properties of any component, as in the type of React's lazy
type AnyComponent = ComponentType<any>;

/** After so many answers of a server that lacks the script, the server is taken to have another version of the pages. */
const mostMissing = 3;

/** Of each script that could not be loaded so far: requests it again at once. */
const unloaded = createStore<{ retries: readonly { now(): void }[] }>({ retries: [] });

/**
 * A component whose script is loaded when it is first shown. It never throws because of that: while the server cannot be reached,
 * the script is requested again; when the server no longer has it, the component says that Headroom was updated.
 */
export const later = <C extends AnyComponent>(load: () => Promise<{ default: C }>): LazyExoticComponent<C> =>
  lazy(() => loaded(load));

async function loaded<C extends AnyComponent>(load: () => Promise<{ default: C }>): Promise<{ default: C }> {
  let missing = 0;
  const retry = { now: () => {} };
  const others = () => unloaded.get().retries.filter((r) => r !== retry);
  try {
    for (let failures = 1; missing < mostMissing; failures++) {
      try {
        return await load();
      } catch (error) {
        if (!(error instanceof Error && error.name === 'ChunkLoadError')) throw error;
      }
      unloaded.set({ retries: [...others(), retry] });
      await new Promise<void>((resolve) => {
        retry.now = resolve;
        setTimeout(resolve, backoffMs(failures, Math.random()));
      });
      const reached = await fetch(atBase('/healthz')).catch(() => null);
      missing = reached?.ok ? missing + 1 : 0;
    }
  } finally {
    unloaded.set({ retries: others() });
  }
  return { default: Outdated as unknown as C };
}

/** Stands for what a person opened until its script is there. It appears only where that takes longer than 0.3 s. */
export const Opening = () => (
  <p
    role="status"
    className="fixed bottom-[calc(var(--dock,0px)+--spacing(3))] left-1/2 z-60 w-max max-w-[calc(100vw-1.5rem)] -translate-x-1/2 animate-[appear_1ms_300ms_both] rounded border border-line bg-raised px-3 py-2 shadow-lg shadow-black/20"
  >
    <WhileLoading>Loading…</WhileLoading>
  </p>
);

/** Stands in the place of a part until its script is there. */
export const Awaited = ({ className = '', children }: { className?: string; children: ReactNode }) => (
  <p className={`px-3 py-4 text-dim ${className}`}>
    <WhileLoading>{children}</WhileLoading>
  </p>
);

/** `children` while a script is loaded; when the server does not answer, that, and a way to request the script at once. */
function WhileLoading({ children }: { children: ReactNode }) {
  const retries = useSelected(unloaded, (state) => state.retries);
  if (retries.length === 0) return children;
  const retryAll = () => {
    for (const retry of retries) retry.now();
  };
  return (
    <>
      This could not be loaded: {unreachedWords}.{' '}
      <Button size="small" onClick={retryAll}>
        Try again
      </Button>
    </>
  );
}

function Outdated() {
  return (
    <p
      role="alert"
      className="fixed bottom-[calc(var(--dock,0px)+--spacing(3))] left-3 z-50 flex items-center gap-3 rounded border border-warn bg-raised px-3 py-2"
    >
      Headroom was updated while this page was open.
      <Button onClick={() => location.reload()}>Reload the page</Button>
    </p>
  );
}
