/** Texts that the network generates, one character after the other. */
import { RandomStream } from '~/trainer/nn/random';
import { softmaxRows } from '~/trainer/nn/softmax';
import type { Sampling } from '~/trainer/types';

/** Below 1, likely characters are drawn more often than their probability. */
const temperature = 0.8;

interface Setting {
  /** Beginning of the texts: ids, at least one. */
  prompt: ArrayLike<number>;
  characters: readonly string[];
  /** Context length of the network, characters. */
  T: number;
  /** Characters to write. */
  length: number;
  seed: number;
}

/**
 * From one beginning, the likeliest continuation and a randomly drawn one. Each character is one forward pass over both; the draw is a function of seed, step and
 * position, so that the same step writes the same text again.
 */
export const continuations = ({ prompt, characters, T, length, seed }: Setting): Sampling => ({
  async write(attend, step) {
    const random = new RandomStream(seed, `text/sample/${step}`);
    const start = Array.from(prompt).slice(-T);
    const texts = [[...start], [...start]];
    for (let written = 0; written < length; written++) {
      const inputs = new Int32Array(2 * T);
      const seen = Math.min(T, texts[0]!.length);
      for (const [row, text] of texts.entries()) inputs.set(text.slice(-T), row * T);
      const { logits } = await attend({ size: 2, inputs, labels: new Int32Array(2 * T) });
      const width = logits.length / (2 * T);
      const last = (row: number) => logits.subarray((row * T + seen - 1) * width, (row * T + seen) * width);
      texts[0]!.push(softmaxRows(last(0), width).argmax[0]!);
      texts[1]!.push(
        drawn(
          last(1).map((v) => v / temperature),
          random.uniform(written),
        ),
      );
    }
    const words = (ids: readonly number[]) => ids.map((id) => characters[id]!).join('');
    const caption = `begins with ${JSON.stringify(words(start)).slice(0, 200)}`;
    return [
      { name: 'continuation, likeliest', text: words(texts[0]!), caption },
      { name: `continuation, temperature ${temperature}`, text: words(texts[1]!), caption },
    ];
  },
});

/** The class at which the summed probabilities pass `share`. */
function drawn(logits: Float32Array, share: number): number {
  const { probabilities } = softmaxRows(logits, logits.length);
  let sum = 0;
  for (let c = 0; c < probabilities.length; c++) {
    sum += probabilities[c]!;
    if (sum > share) return c;
  }
  return probabilities.length - 1;
}
