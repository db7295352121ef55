export function softmaxRows(logits: Float32Array, width: number): Float32Array {
  const out = new Float32Array(logits.length);
  for (let at = 0; at < logits.length; at += width) {
    const row = logits.subarray(at, at + width);
    const top = Math.max(...row);
    const exps = Array.from(row, (v) => Math.exp(v - top));
    const sum = exps.reduce((a, b) => a + b);
    for (const [n, e] of exps.entries()) out[at + n] = e / sum;
  }
  return out;
}
