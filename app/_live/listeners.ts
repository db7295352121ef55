/** The listeners of one thing, called in the order in which they were added. One that is added or removed during a call counts from the next call on. */
export class Listeners<L = () => void> {
  private readonly all = new Set<L>();

  /** @returns a function that removes the listener */
  readonly add = (listener: L): (() => void) => {
    this.all.add(listener);
    return () => this.all.delete(listener);
  };

  each(call: (listener: L) => void): void {
    for (const listener of [...this.all]) call(listener);
  }

  clear(): void {
    this.all.clear();
  }
}

/** Calls a listener that takes nothing. */
export const call = (listener: () => void): void => listener();

/** One function that calls all of these in order. */
export const together =
  (stops: Iterable<() => void>): (() => void) =>
  () => {
    for (const stop of stops) stop();
  };
