import { useRef, useSyncExternalStore } from 'react';

/** A container of state outside React. */
export interface Source<S> {
  get(): S;
  subscribe(listener: () => void): () => void;
}

/** A slice of a source; the component renders again only when the slice changes (compared member by member). */
export function useSelected<S, T>(source: Source<S>, select: (state: S) => T): T {
  const last = useRef<{ value: T } | null>(null);
  const read = () => {
    const value = select(source.get());
    if (last.current && same(last.current.value, value)) return last.current.value;
    last.current = { value };
    return value;
  };
  return useSyncExternalStore(source.subscribe, read, read);
}

/** Object.is, or two plain objects or arrays with the same members. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const proto = Object.getPrototypeOf(a);
  if (proto !== Object.getPrototypeOf(b) || (proto !== Object.prototype && proto !== Array.prototype)) return false;
  const keys = Object.keys(a);
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  return keys.length === Object.keys(b).length && keys.every((k) => k in right && Object.is(left[k], right[k]));
}
