import type { Actor } from '~/shared/ids';
import { createStore } from './store';

/** As whom this page was opened, with the role of now; null until the server has said so. Another person may sign in in the same browser meanwhile. */
export const identity = createStore<{ you: Actor | null }>({ you: null });
