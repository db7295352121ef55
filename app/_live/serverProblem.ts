import { createStore } from './store';

/** What keeps the server from working, as it said last over the open connection; null = nothing. */
export const serverProblem = createStore<{ why: string | null }>({ why: null });
