import { featureDim } from './descriptor';

/**
 * Standardizes descriptors, [n, featureDim], in place: mean 0 and deviation 1 over the training pictures. Nearly constant features
 * stay close to 0, and outliers are clipped at 5.
 */
export function standardize(train: Float32Array, test: Float32Array): void {
  const n = train.length / featureDim;
  const mean = new Float64Array(featureDim);
  const square = new Float64Array(featureDim);
  for (let i = 0; i < train.length; i++) {
    mean[i % featureDim]! += train[i]! / n;
    square[i % featureDim]! += train[i]! ** 2 / n;
  }
  const deviation = square.map((s, f) => Math.max(1e-3, Math.sqrt(Math.max(0, s - mean[f]! ** 2))));
  for (const part of [train, test])
    for (let i = 0; i < part.length; i++) {
      const f = i % featureDim;
      part[i] = Math.max(-5, Math.min(5, (part[i]! - mean[f]!) / deviation[f]!));
    }
}
