import type { JsonSchema } from './recipes';
import { type Config, valueAt } from './setup';

/** About how many bytes of memory a run takes; null where its recipe does not say, or a setting that counts is no number. */
export function memoryOf(schema: JsonSchema, config: Config): number | null {
  const terms = schema['x-memory'];
  if (!terms) return null;
  const numberAt = (path: string, missing: number) => {
    const value = valueAt(config, path);
    return typeof value === 'number' ? value : value === undefined ? missing : Number.NaN;
  };
  let sum = 0;
  for (const { bytes, times, per } of terms) {
    const size = times.reduce((product, path) => product * numberAt(path, Number.NaN), bytes);
    sum += per.reduce((left, path) => left / numberAt(path, 1), size);
  }
  return Number.isFinite(sum) ? sum : null;
}
