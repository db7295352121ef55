/** Collects received messages by name and waits for messages that have not arrived: `await inbox.next('frame')` instead of sleeping. */
export interface Inbox<M extends object> {
  put<K extends keyof M>(name: K, message: M[K]): void;
  /** The oldest message of that name not yet taken. Rejects with the name after 20 s or after `withinMs` (Infinity = never). */
  next<K extends keyof M>(name: K, withinMs?: number): Promise<M[K]>;
  /** Takes all messages of that name that have arrived. */
  take<K extends keyof M>(name: K): M[K][];
}

export function inbox<M extends object>(usualMs = 20_000): Inbox<M> {
  const arrived = new Map<keyof M, unknown[]>();
  const waiting = new Map<keyof M, ((message: never) => void)[]>();
  return {
    put(name, message) {
      const waiter = waiting.get(name)?.shift();
      if (waiter) waiter(message as never);
      else arrived.set(name, [...(arrived.get(name) ?? []), message]);
    },
    next(name, withinMs = usualMs) {
      const [first, ...rest] = arrived.get(name) ?? [];
      if (first !== undefined) {
        arrived.set(name, rest);
        return Promise.resolve(first as never);
      }
      return new Promise((resolve, reject) => {
        const late = () => reject(new Error(`no "${String(name)}" arrived within ${withinMs} ms`));
        const timer = withinMs === Number.POSITIVE_INFINITY ? undefined : setTimeout(late, withinMs);
        const settle = (message: never) => {
          clearTimeout(timer);
          resolve(message);
        };
        waiting.set(name, [...(waiting.get(name) ?? []), settle]);
      });
    },
    take(name) {
      const all = arrived.get(name) ?? [];
      arrived.delete(name);
      return all as never;
    },
  };
}
