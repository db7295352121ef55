import { createStore } from './store';

/** Why the server does not let this tab connect, e.g. because the person was signed out; null while it does. */
export const wireRefusal = createStore<{ why: string | null }>({ why: null });
