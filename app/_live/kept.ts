/** What the browser did not store, because its storage is refused or full. It holds until the page is closed. */
const unstored = new Map<string, string | null>();

/** What this browser remembers. Where it stores nothing (refused, full, a replay file), the page remembers it. */
export const kept = {
  get(key: string): string | null {
    const here = unstored.get(key);
    if (here !== undefined) return here;
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  /** null: forget it. */
  set(key: string, text: string | null): void {
    try {
      if (text === null) localStorage.removeItem(key);
      else localStorage.setItem(key, text);
      unstored.delete(key);
    } catch {
      unstored.set(key, text);
    }
  },
};

/** The value that a JSON text stands for; null for a text that is no JSON, or none. */
export function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
}
