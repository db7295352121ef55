import type { Actor } from '~/shared/ids';
import { createStore } from './store';

/** Why somebody may not change runs; null = may. */
export const whyWatches = ({ name, role }: Actor): string | null =>
  role === 'viewer' || role === 'trainer' ? `${name} (${role}) may watch but not steer` : null;

/** As whom this page was opened, with the role of now; null until the server has said so. Another person may sign in in the same browser meanwhile. */
export const identity = createStore<{ you: Actor | null }>({ you: null });
