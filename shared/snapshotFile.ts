/**
 * What an attention snapshot's blob holds. It describes itself: a reader needs neither the run's recipe nor its config.
 *
 * The plain form, which any client can write, is a safetensors file, as it is or compressed with gzip. E examples; layer l has H
 * heads, Tq queries, Tk keys of its own; A answers per example.
 *
 *   attention.<l>              f32, f16 or bf16 [E, H, Tq, Tk]   softmax maps of layer l (counted from 0), rows sum to 1
 *   targets                    i32 [E, A]      optional: the right answers; -1 = none
 *   predictions.ids            i32 [E, A, K]   optional: the K likeliest answers, likeliest first
 *   predictions.probabilities  f32 [E, A, K]   their probabilities
 *   scores                     f32 [E, Tk]     optional: one number per key, e.g. the probability that it is the target
 *   signal.<name>.<l>          f32 [E, H]      optional: a declared signal of layer l, per example
 *   pictures                   u8  [n, S, S, 3]  optional: RGB; usually in a separate file with only this tensor, which all
 *                              snapshots of the same examples name
 *
 * The file's metadata has one entry, `headroom`: JSON of `snapshotDescription` below.
 *
 * The packed form (snapshotPack.ts) holds the same content, so that a browser can read one example at a time, first rounded and
 * then exactly. Snapshots of version 0.1 are read through an adapter (snapshotOld.ts).
 */
import { z } from 'zod';

const size = z.int().min(1).max(65_536);

export const layerShape = z.strictObject({
  name: z.string().min(1).max(128),
  heads: z.int().min(1).max(4096),
  queries: size,
  keys: size,
});
/** A layer with its own number of heads and size of maps. */
export type LayerShape = z.infer<typeof layerShape>;

/** Layer and head are whole numbers from 0 in data. */
export const layerShapes = z
  .array(layerShape)
  .min(1)
  .max(256)
  .refine((layers) => headCount(layers) <= 16_384, 'at most 16384 heads in all layers together');

const text = z.string().max(256);

/** Labels of the positions of an axis: texts, numbers, pictures by their index, or token ids whose texts are in `vocabulary`. */
export const axisLabels = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('text'), items: z.array(text).max(65_536) }),
  z.object({ kind: z.literal('numbers'), items: z.array(z.number()).max(65_536) }),
  z.object({ kind: z.literal('pictures'), items: z.array(z.int().nonnegative()).max(65_536) }),
  z.object({ kind: z.literal('tokens'), items: z.array(z.int()).max(65_536) }),
]);
export type AxisLabels = z.infer<typeof axisLabels>;

/** The role by which rules find a signal: `entropy` is normalized, 1 = uniform, 0 = all weight on one key. */
export const signalRole = z.enum(['entropy']);

export const signalSpec = z.object({
  name: z.string().min(1).max(128),
  /** Its label for people: "entropy". */
  title: z.string().min(1).max(80),
  /** What the number means, in one sentence: "1 = uniform, 0 = all weight on one key". */
  meaning: z.string().max(300),
  /** Least and greatest possible value; null = unbounded. */
  range: z.tuple([z.number(), z.number()]).nullable(),
  /** Its value for a uniform map, for every layer alike or for each; null = does not apply. */
  baseline: z.union([z.number(), z.array(z.number().nullable()).max(256), z.null()]),
  /**
   * The signal names heads: a head whose value is at least `atLeast`, and twice the baseline, looks at `title`; of several such
   * signals the largest value wins.
   */
  names: z.object({ title: z.string().min(1).max(40), atLeast: z.number() }).optional(),
  /** The role by which rules find it, whatever its name: normalized entropy, 0 to 1. */
  role: signalRole.optional(),
  /** The signal that best shows what this model has to learn: shown first. */
  main: z.boolean().optional(),
});
export type SignalSpec = z.infer<typeof signalSpec>;

/**
 * Meaning of the numbers in `targets` and `predictions.ids`: keys of the map, token ids, plain numbers, or indices into a list of
 * names.
 */
export const answerKind = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('keys') }),
  z.object({ kind: z.literal('tokens') }),
  z.object({ kind: z.literal('numbers') }),
  z.object({ kind: z.literal('names'), items: z.array(text).max(65_536) }),
]);
export type AnswerKind = z.infer<typeof answerKind>;

/** Metadata `headroom`. Fields that a reader does not know are ignored. */
export const snapshotDescription = z.object({
  version: z.literal(2),
  step: z.int(),
  layers: layerShapes,
  /**
   * Query i looks at no key after its own position: later cells are masked, not weights of 0. With more keys than queries, the
   * last key belongs to the last query.
   */
  causal: z.boolean(),
  /**
   * One per example. `keys` and `queries` are indices into `axes`; null = positions are numbered. Labels are shown on the axes of
   * those layers whose size they match.
   */
  examples: z
    .array(
      z.object({
        name: text.optional(),
        keys: z.int().nonnegative().nullable(),
        queries: z.int().nonnegative().nullable(),
      }),
    )
    .min(1)
    .max(4096),
  axes: z.array(axisLabels).max(8192),
  /** Text of each token id that occurs in labels, targets or predictions; no other ids. */
  vocabulary: z
    .array(z.tuple([z.int(), text]))
    .max(1_000_000)
    .optional(),
  answers: answerKind.optional(),
  /**
   * The control that chooses the examples; `numbered`: its value is a split and example numbers, "test 8 9 10", so that people
   * can page through the examples.
   */
  chosenBy: z.object({ control: z.string().min(1).max(128), numbered: z.boolean().optional() }).optional(),
  /** The name of an item of the input ("image", "character"), and of the target among the items ("odd one"). */
  words: z.object({ item: z.string().max(40).optional(), target: z.string().max(40).optional() }).optional(),
  signals: z.array(signalSpec).max(256),
  /** A description of the pictures, the name of each, and the hash of the file that holds them. */
  pictures: z
    .object({ title: z.string().max(200).optional(), names: z.array(text).optional(), file: z.string().optional() })
    .optional(),
});
export type SnapshotDescription = z.infer<typeof snapshotDescription>;

/** Number of heads over all layers: the number of values of a signal in an event. */
export const headCount = (layers: readonly { heads: number }[]): number => layers.reduce((n, l) => n + l.heads, 0);
