/** What a snapshot says besides its maps: answers, targets, labels, means over its examples. */

import { oddLast, reorder } from './attention';
import { type AttentionSnapshot, mapOf } from './attentionSnapshot';
import type { AxisLabels } from './snapshotFile';

/** How a snapshot can be shown besides its maps, as it declares. */
export type Reader = 'set' | 'sequence' | 'text' | 'none';
export function readerOf(s: AttentionSnapshot): Reader {
  if (s.scores) return 'set';
  const { queries } = s.layers.at(-1)!;
  if (s.causal) return s.predictions && s.answers === queries ? 'text' : 'none';
  return s.targets && s.answers === queries ? 'sequence' : 'none';
}

/** The likeliest answer at a position; null when nothing was predicted. */
export const answerAt = (s: AttentionSnapshot, example: number, place: number): number | null =>
  s.predictions ? s.predictions.ids[(example * s.answers + place) * s.predictions.best]! : null;
/** The right answer at a position; null when there is none. */
export function targetAt(s: AttentionSnapshot, example: number, place: number): number | null {
  const target = s.targets?.[example * s.answers + place] ?? -1;
  return target < 0 ? null : target;
}

/** Whether the likeliest answer is right; null when that is not known. */
export function rightAt(s: AttentionSnapshot, example: number, place: number): boolean | null {
  const [answer, target] = [answerAt(s, example, place), targetAt(s, example, place)];
  return answer === null || target === null ? null : answer === target;
}

/** Number of wrong answers per example. */
export function mistakes(s: AttentionSnapshot): Int32Array {
  return Int32Array.from({ length: s.examples }, (_, e) => {
    let wrong = 0;
    for (let a = 0; a < s.answers; a++) if (rightAt(s, e, a) === false) wrong++;
    return wrong;
  });
}

/** The target key in each example of a set; null when the snapshot names none. */
export function targetKeys(s: AttentionSnapshot): Int32Array | null {
  if (!s.targets || s.answers !== 1 || s.answerKind.kind !== 'keys') return null;
  return s.targets.every((t) => t >= 0 && s.layers.every(({ keys }) => t < keys)) ? s.targets : null;
}

/**
 * Labels on one side of a layer's maps; null = positions are numbered. The other side's labels are used if only their number
 * matches.
 */
export function axisOf(s: AttentionSnapshot, example: number, layer: number, side: 'queries' | 'keys'): AxisLabels | null {
  const labels = s.exampleLabels[example];
  const length = s.layers[layer]![side];
  for (const at of side === 'keys' ? [labels?.keys, labels?.queries] : [labels?.queries, labels?.keys]) {
    const axis = at === null || at === undefined ? undefined : s.axes[at];
    if (axis?.items.length === length) return axis;
  }
  return null;
}

const tokenText = (s: AttentionSnapshot, id: number): string => s.vocabulary.get(id) ?? `#${id}`;

/** A label as text; for a picture, its position in the axis, from 1. */
export function labelText(s: AttentionSnapshot, axis: AxisLabels, place: number): string {
  switch (axis.kind) {
    case 'text':
      return axis.items[place]!;
    case 'numbers':
      return String(axis.items[place]!);
    case 'tokens':
      return tokenText(s, axis.items[place]!);
    case 'pictures':
      return String(place + 1);
  }
}

/** An answer or target as text; keys are counted from 1. */
export function answerText(s: AttentionSnapshot, value: number): string {
  switch (s.answerKind.kind) {
    case 'keys':
      return String(value + 1);
    case 'tokens':
      return tokenText(s, value);
    case 'numbers':
      return String(value);
    case 'names':
      return s.answerKind.items[value] ?? String(value);
  }
}

/** Equal for examples with the same inputs, judged by their labels; null = there are no labels. */
export function exampleKey(s: AttentionSnapshot, example: number): string | null {
  const labels = s.exampleLabels[example];
  const axis = labels && (labels.keys ?? labels.queries);
  if (axis === null || axis === undefined) return labels?.name ?? null;
  const { kind, items } = s.axes[axis]!;
  if (kind !== 'pictures') return `${kind} ${JSON.stringify(items)}`;
  // Picture numbers are valid only within their file.
  return s.picturesFile ? `${s.picturesFile} ${items.join()}` : s.pictures ? pixelsKey(s.pictures, items) : null;
}

function pixelsKey({ data, side }: NonNullable<AttentionSnapshot['pictures']>, items: readonly number[]): string {
  const size = side * side * 3;
  let h = 0x811c9dc5;
  for (const i of items) for (let n = i * size; n < (i + 1) * size; n++) h = Math.imul(h ^ data[n]!, 0x01000193);
  return `pixels ${items.length} ${h >>> 0}`;
}

/**
 * Mean or spread (population standard deviation) of all maps over the examples, per layer [H, Tq, Tk].
 * @param byTarget sets only: every example's target is moved to the last row and column first, so that targets are averaged with
 *   targets
 * @throws RangeError when the maps of an example have not been read
 */
export function overExamples(s: AttentionSnapshot, operation: 'mean' | 'spread', byTarget: boolean): Float32Array[] {
  const target = byTarget ? targetKeys(s) : null;
  return s.layers.map((layer, l) => {
    const cells = layer.queries * layer.keys;
    const sum = new Float64Array(layer.heads * cells);
    const squares = operation === 'spread' ? new Float64Array(sum.length) : null;
    for (let e = 0; e < s.examples; e++) {
      const order = target && layer.queries === layer.keys ? oddLast(layer.keys, target[e]!) : null;
      for (let h = 0; h < layer.heads; h++) {
        const raw = mapOf(s, e, l, h);
        const map = order ? reorder(raw, layer, order) : raw;
        for (let n = 0; n < cells; n++) {
          const v = map[n]!;
          sum[h * cells + n]! += v;
          if (squares) squares[h * cells + n]! += v * v;
        }
      }
    }
    return Float32Array.from(sum, (total, n) => {
      const mean = total / s.examples;
      return squares ? Math.sqrt(Math.max(0, squares[n]! / s.examples - mean * mean)) : mean;
    });
  });
}
