/** Softmax and argmax (the first of equals) of each row of `width` logits. A row with a NaN gives probabilities of NaN. */
export function softmaxRows(logits: Float32Array, width: number): { probabilities: Float32Array; argmax: Int32Array } {
  const rows = logits.length / width;
  const probabilities = new Float32Array(logits.length);
  const argmax = new Int32Array(rows);
  for (let r = 0; r < rows; r++) {
    const row = logits.subarray(r * width, (r + 1) * width);
    let best = 0;
    for (let c = 1; c < width; c++) if (row[c]! > row[best]!) best = c;
    let sum = 0;
    for (let c = 0; c < width; c++) sum += Math.exp(row[c]! - row[best]!);
    for (let c = 0; c < width; c++) probabilities[r * width + c] = Math.exp(row[c]! - row[best]!) / sum;
    argmax[r] = best;
  }
  return { probabilities, argmax };
}
