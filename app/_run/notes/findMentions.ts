import { mentionOf } from '~/shared/mentions';

/** The mention being typed at the caret: the position of its "@" and the text after it; null when there is none. */
export function mentionAt(text: string, caret: number): { from: number; typed: string } | null {
  const match = /(?:^|[^\p{L}\p{M}\p{N}@])@([\p{L}\p{M}\p{N}_.-]*)$/u.exec(text.slice(0, caret));
  return match ? { from: caret - match[1]!.length - 1, typed: match[1]! } : null;
}

/** Names with a word that begins with `typed`; each once. */
export function candidates(names: readonly string[], typed: string): string[] {
  const wanted = typed.toLowerCase();
  const fits = (name: string) =>
    mentionOf(name) !== '' &&
    (mentionOf(name).toLowerCase().startsWith(wanted) ||
      name
        .toLowerCase()
        .split(/\s+/)
        .some((word) => word.startsWith(wanted)));
  return [...new Set(names)]
    .filter(fits)
    .sort((a, b) => a.localeCompare(b))
    .slice(0, 6);
}

/** The text with the mention at the caret completed, and the new position of the caret. */
export function completed(text: string, caret: number, name: string): { text: string; caret: number } {
  const at = mentionAt(text, caret);
  if (!at) return { text, caret };
  const before = `${text.slice(0, at.from)}@${mentionOf(name)} `;
  return { text: before + text.slice(caret).replace(/^ /, ''), caret: before.length };
}
