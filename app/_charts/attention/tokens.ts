/** Labels for the axes of a map: texts, numbers or pictures, each with its position, so that repeated tokens differ. */

import { answerAt, axisOf, labelText, readerOf, rightAt, targetKeys } from '~/shared/aboutSnapshot';
import type { AttentionSnapshot } from '~/shared/attentionSnapshot';
import type { Source } from './derive';

export interface Token {
  /** Short text: the label, or the position. */
  text: string;
  /** Text for screen readers and tooltips: "7 at position 3", "image 3 (odd one)". Counted from 1. */
  name: string;
  picture: string | null;
  /** Whether the model's answer at this position is right; null where it is not known. */
  right: boolean | null;
  /** Whether this key is the target. */
  target: boolean;
  picked: boolean;
}

/** Labels on both sides of a layer's maps; the same list where both sides are the same. */
export interface MapTokens {
  queries: readonly Token[];
  keys: readonly Token[];
  /** Queries and keys are the same tokens. */
  shared: boolean;
}

export const noTokens: MapTokens = { queries: [], keys: [], shared: false };

/** Replaces white space by visible signs, so that its label is not blank. */
export const visibleText = (text: string): string =>
  text === ''
    ? '∅'
    : text
        .replaceAll('\n', '↵')
        .replaceAll('\t', '⇥')
        .replaceAll('\r', '␍')
        .replace(/^ +| +$/g, (s) => '␣'.repeat(s.length));

/** `pictureOf` turns picture n of the snapshot into an image URL. Averages have no inputs: their tokens are positions. */
export function tokensOf(
  s: AttentionSnapshot,
  source: Source,
  layer: number,
  pictureOf: ((n: number) => string) | null,
): MapTokens {
  const { queries, keys } = s.layers[layer]!;
  const shared = queries === keys;
  const ofKeys = sideOf(s, source, layer, 'keys', pictureOf);
  return { keys: ofKeys, queries: shared ? ofKeys : sideOf(s, source, layer, 'queries', pictureOf), shared };
}

function sideOf(
  s: AttentionSnapshot,
  source: Source,
  layer: number,
  side: 'queries' | 'keys',
  pictureOf: ((n: number) => string) | null,
): Token[] {
  const { item, target: targetWord } = s.words;
  const length = s.layers[layer]![side];
  const plain = { picture: null, right: null, target: false, picked: false };
  const targets = targetKeys(s);
  const ofSet = targets !== null;
  if (source.kind !== 'example')
    return Array.from({ length }, (_, t) => {
      const target = source.byTarget && ofSet && t === length - 1;
      return target
        ? { ...plain, target, text: targetWord.split(' ')[0]!, name: `the ${targetWord}` }
        : { ...plain, text: String(t + 1), name: `${item} ${t + 1}` };
    });
  const { example } = source;
  const axis = axisOf(s, example, layer, side);
  // An answer belongs to its query; where both sides are the same tokens, also to its key.
  const answered = readerOf(s) === 'sequence' && (side === 'queries' || s.layers[layer]!.queries === s.layers[layer]!.keys);
  return Array.from({ length }, (_, t) => {
    const target = ofSet && targets[example] === t;
    const picked = ofSet && answerAt(s, example, 0) === t;
    const notes = [target && targetWord, picked && 'picked'].filter(Boolean).join(', ');
    const right = answered && t < s.answers ? rightAt(s, example, t) : null;
    const place = { ...plain, target, picked, right };
    if (!axis) return { ...place, text: String(t + 1), name: `${item} ${t + 1}${notes && ` (${notes})`}` };
    if (axis.kind === 'pictures')
      return {
        ...place,
        text: String(t + 1),
        name: `${item} ${t + 1}${notes && ` (${notes})`}`,
        picture: pictureOf?.(axis.items[t]!) ?? null,
      };
    const text = visibleText(labelText(s, axis, t));
    return { ...place, text, name: `${text} at ${item} ${t + 1}${notes && ` (${notes})`}` };
  });
}

/** Whether two lists of labels, one entry per layer, show the same. */
export const sameTokens = (a: readonly MapTokens[], b: readonly MapTokens[]): boolean =>
  a.length === b.length &&
  a.every((t, l) => t.shared === b[l]!.shared && sameSide(t.queries, b[l]!.queries) && sameSide(t.keys, b[l]!.keys));

const sameSide = (a: readonly Token[], b: readonly Token[]): boolean =>
  a === b ||
  (a.length === b.length &&
    a.every((t, i) => {
      const o = b[i]!;
      const marks = t.right === o.right && t.target === o.target && t.picked === o.picked;
      return marks && t.text === o.text && t.name === o.name && t.picture === o.picture;
    }));

/** Text of a cell for screen readers: "layer 2 head 3, query 5 to key 10, 0.61". Counted from 1. */
export function cellWords(where: string, query: number, key: number, value: number, masked = false): string {
  const number = masked ? 'masked' : Number.isFinite(value) ? value.toFixed(2) : String(value);
  return `${where}, query ${query + 1} to key ${key + 1}, ${number}`;
}

/** A token in a line of text: its position, and its label where that says more. */
export const describeToken = (token: Token | undefined, t: number): string => {
  if (!token) return String(t + 1);
  return token.picture || token.text === String(t + 1) ? token.name : `${t + 1} (${token.text})`;
};

export const headName = (layer: number, head: number): string => `layer ${layer + 1} head ${head + 1}`;
