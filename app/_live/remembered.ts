import { useSyncExternalStore } from 'react';
import type { Remembered, RememberedKey } from '~/shared/remembered';
import { kept, parsed } from './kept';
import { call, Listeners } from './listeners';
import type { Source } from './select';

/** The server's document of this person. */
interface RememberedServer {
  read(): Promise<Remembered>;
  write(key: RememberedKey, value: string): Promise<void>;
}

interface State {
  changes: number;
  /** The server's document has arrived, or could not be read: a value that is missing now was never chosen, as far as can be known. */
  settled: boolean;
}

/** What stays in this browser: `notices`, the notifications that it received (the server is told which were read); `newRun`, a form that was not sent. */
type KeptKey = RememberedKey | 'notices' | 'newRun';
const isRemembered = (key: KeptKey): key is RememberedKey => key !== 'notices' && key !== 'newRun';

/** A person's choices as texts, by key; null = none. */
export interface Choices extends Source<State> {
  read(key: KeptKey): string | null;
  /** Takes effect here at once, and on the server when it can be reached. */
  write(key: KeptKey, value: string): void;
  /** Shows what another page of this browser has changed; `ask`: another browser, too. */
  look(ask: boolean): void;
  /** Reads the server's document, and sends it what was changed without it. @returns stops sending */
  connect(server: RememberedServer, after: (ms: number, f: () => void) => () => void): () => void;
}

/** Time between a change and its message to the server: dragging changes a layout many times. */
const restMs = 500;
const againMs = 30_000;
const personKey = 'headroom.person';

/**
 * The choices of the person who used this browser last, kept in the browser and on the server. The browser's copy is shown until the
 * server's arrives, and is all there is while the server cannot be reached. Of two changes the one that reaches the server later holds; in
 * a list those are changes of the same item.
 */
export function createChoices(storage: typeof kept): Choices {
  let person = storage.get(personKey) ?? '';
  let server: { of: RememberedServer; after(ms: number, f: () => void): () => void } | null = null;
  let cancel = () => {};
  /** One exchange with the server at a time: an answer that was asked for before a change must not undo it. */
  let turn: Promise<unknown> = Promise.resolve();
  let state: State = { changes: 0, settled: false };
  /** What the server had when this page last heard of it, before its own changes. */
  let known: Remembered['values'] = {};
  const listeners = new Listeners();
  const place = (key: KeptKey | 'unsent') => `headroom.${person}.${key}`;
  const changed = (settled = state.settled) => {
    state = { changes: state.changes + 1, settled };
    listeners.each(call);
  };
  /** Keys whose values the server does not have yet; they survive a reload. */
  const unsent = (): RememberedKey[] => {
    const keys = parsed(storage.get(place('unsent')));
    return Array.isArray(keys) ? keys : [];
  };
  const setUnsent = (keys: readonly RememberedKey[]) =>
    storage.set(place('unsent'), keys.length === 0 ? null : JSON.stringify(keys));

  const inTurn = (work: () => Promise<void>) => {
    turn = turn.then(work, work);
  };
  const later = (ms: number, work: () => Promise<void>) => {
    cancel();
    cancel = server?.after(ms, () => inTurn(work)) ?? (() => {});
  };

  async function send(): Promise<void> {
    const to = server;
    if (unsent().length === 0 || !to) return;
    try {
      const now = await to.of.read();
      if (now.person !== person) return await receive();
      for (const key of unsent()) {
        if (to !== server) return;
        const own = storage.get(place(key));
        if (own === null) continue;
        const value = merged(known[key] ?? null, own, now.values[key] ?? null);
        await to.of.write(key, value);
        known[key] = value;
        if (storage.get(place(key)) !== own) continue;
        setUnsent(unsent().filter((k) => k !== key));
        if (value === own) continue;
        storage.set(place(key), value);
        changed();
      }
    } catch {
      if (to === server) later(againMs, send);
    }
  }

  async function receive(): Promise<void> {
    const from = server;
    const answer = await from?.of.read().catch(() => null);
    if (from !== server) return;
    if (!answer) {
      changed(true);
      return later(againMs, receive);
    }
    const own = unsent();
    if (answer.person !== person) {
      // Choices made before the person was known belong to them; those of another person stay with that one.
      const before = person === '' ? own.map((key) => [key, storage.get(place(key))] as const) : [];
      person = answer.person;
      known = {};
      storage.set(personKey, person);
      for (const [key, value] of before) storage.set(place(key), value);
      setUnsent([...new Set([...unsent(), ...before.map(([key]) => key)])]);
    }
    adopt(answer);
    const waiting = unsent();
    for (const [key, value] of Object.entries(answer.values) as [RememberedKey, string][]) {
      if (waiting.includes(key)) continue;
      storage.set(place(key), value);
      known[key] = value;
    }
    changed(true);
    await send();
  }

  /** Choices of an earlier version, which kept them in the browser for nobody in particular, become those of its first person. */
  function adopt({ values }: Remembered): void {
    for (const key of ['views', 'tour', 'keysAct', 'shareLook', 'newRun'] as const) {
      const old = storage.get(`headroom.${key}`);
      if (old === null) continue;
      storage.set(`headroom.${key}`, null);
      if ((isRemembered(key) && values[key] !== undefined) || storage.get(place(key)) !== null) continue;
      storage.set(place(key), old);
      if (isRemembered(key)) setUnsent([...unsent(), key]);
    }
  }

  return {
    get: () => state,
    subscribe: listeners.add,
    read: (key) => storage.get(place(key)),
    write(key, value) {
      if (storage.get(place(key)) === value) return;
      storage.set(place(key), value);
      if (isRemembered(key)) setUnsent([...new Set([...unsent(), key])]);
      changed();
      if (isRemembered(key)) later(restMs, send);
    },
    look(ask) {
      changed();
      if (ask) inTurn(receive);
    },
    connect(of, after) {
      server = { of, after };
      // Requests of an earlier connection may never be answered: nothing waits for them.
      turn = receive();
      return () => {
        server = null;
        cancel();
      };
    },
  };
}

/** A list with the changes that were made of `base` here, and those that came to the server meanwhile; what is no list is as it was chosen here. */
function merged(base: string | null, own: string, server: string | null): string {
  const [before, here, there] = [base, own, server].map(itemsIn);
  if (!here || !there || server === base) return own;
  const gone = (key: string) => before?.has(key) === true && !here.has(key);
  const mine = [...here].filter(([key, item]) => JSON.stringify(before?.get(key)) !== JSON.stringify(item));
  const theirs = [...there].filter(([key]) => !gone(key) && !mine.some(([other]) => other === key));
  return JSON.stringify([...theirs, ...mine].map(([, item]) => item));
}

/** The items of a list by what names each: its id or else its name, or the run of a run's choice. */
function itemsIn(text: string | null): Map<string, unknown> | null {
  const items = parsed(text);
  const named = (item: { id?: unknown; name?: unknown } | null) => item?.id ?? item?.name;
  const keyOf = (item: unknown) => (Array.isArray(item) ? item[0] : named(item as Parameters<typeof named>[0]));
  return Array.isArray(items) && items.every((i) => typeof keyOf(i) === 'string')
    ? new Map(items.map((i) => [keyOf(i), i]))
    : null;
}

/** The choices of this tab's person. */
export const choices: Choices = createChoices(kept);

/**
 * What `read` makes of the choices; read again when one changes here, or arrives from another browser.
 *
 * @param unknown what it is while the page takes over the server's HTML, which was made without any choices
 */
export function useChoices<T>(read: () => T, unknown: T): T {
  const changes = useSyncExternalStore(choices.subscribe, () => choices.get().changes, noChanges);
  return changes === null ? unknown : read();
}
const noChanges = () => null;

/** One choice as text. */
export const useChoice = (key: KeptKey): string | null => useChoices(() => choices.read(key), null);

/** Runs beyond these are forgotten, the oldest first. */
const mostRuns = 100;
/** Characters: half of the server's limit. */
const mostText = 32 * 1024;

/** A choice for each of the runs in which it was made last. */
export const runChoices = {
  /** `newest`: that of the run in which it was made last. */
  read(key: RememberedKey, runId: string): { own: string | null; newest: string | null } {
    const runs = runsIn(choices.read(key));
    return { own: runs.find(([id]) => id === runId)?.[1] ?? null, newest: runs.at(-1)?.[1] ?? null };
  },
  write(key: RememberedKey, runId: string, value: string): void {
    const runs = [...runsIn(choices.read(key)).filter(([id]) => id !== runId), [runId, value]].slice(-mostRuns);
    while (runs.length > 1 && JSON.stringify(runs).length > mostText) runs.shift();
    choices.write(key, JSON.stringify(runs));
  },
};

function runsIn(text: string | null): [runId: string, value: string][] {
  const runs = parsed(text);
  return Array.isArray(runs)
    ? runs.filter((r) => Array.isArray(r) && r.length === 2 && r.every((x) => typeof x === 'string'))
    : [];
}
