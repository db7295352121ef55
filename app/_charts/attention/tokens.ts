/** What stands on the axes of a map: digits or pictures, each with its place, so that repeats stay distinct. */
import type { AttentionSnapshot } from '~/shared/attentionSnapshot';
import type { Source } from './derive';

export interface Token {
  /** Short: the digit, or the image's place. */
  text: string;
  /** Read aloud and in tooltips: "7 at position 3", "image 3 (odd one)". Counted from 1. */
  name: string;
  picture: string | null;
  /** Whether the model's answer at this place is right; null where it gives none. */
  right: boolean | null;
  odd: boolean;
  picked: boolean;
}

/** `pictureOf` turns picture n of the snapshot into an image URL. Averages have no inputs of their own: their tokens are places. */
export function tokensOf(s: AttentionSnapshot, source: Source, pictureOf: ((n: number) => string) | null): Token[] {
  const at = source.kind === 'example' ? source.example : null;
  return Array.from({ length: s.keys }, (_, t) => {
    const place = { picture: null, right: null, odd: false, picked: false };
    if (at === null) {
      const odd = source.kind !== 'example' && source.byRole && s.task === 'anomaly' && t === s.keys - 1;
      if (s.task === 'anomaly')
        return { ...place, odd, text: odd ? 'odd' : String(t + 1), name: odd ? 'the odd one' : `image ${t + 1}` };
      return { ...place, text: String(t + 1), name: `position ${t + 1}` };
    }
    const input = s.inputs[at * s.keys + t]!;
    if (s.task === 'anomaly') {
      const odd = s.labels[at] === t;
      const picked = s.predictions[at] === t;
      const notes = [odd && 'odd one', picked && 'picked'].filter(Boolean).join(', ');
      return {
        text: String(t + 1),
        name: `image ${t + 1}${notes && ` (${notes})`}`,
        picture: pictureOf?.(input) ?? null,
        right: null,
        odd,
        picked,
      };
    }
    const answer = at * s.answers + t;
    return {
      ...place,
      text: String(input),
      name: `${input} at position ${t + 1}`,
      // A map need not be square: beyond the answers there is nothing to be right or wrong.
      right: t < s.answers ? s.labels[answer] === s.predictions[answer] : null,
    };
  });
}

/** "layer 2 head 3, query 5 to key 10, 0.61": how a cell is read out. Numbers from 1. */
export function cellWords(where: string, query: number, key: number, value: number): string {
  return `${where}, query ${query + 1} to key ${key + 1}, ${Number.isFinite(value) ? value.toFixed(2) : String(value)}`;
}

export const headName = (layer: number, head: number): string => `layer ${layer + 1} head ${head + 1}`;
