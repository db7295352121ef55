/** What this browser remembers. A browser or a replay file without storage, or with a full one, remembers nothing. */
export const kept = {
  get(key: string): string | null {
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
    } catch {
      // See above.
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
