/** Reads what a snapshot declares about its signals. Nothing here depends on the name of a signal. */
import type { AttentionSnapshot, Signal } from '~/shared/attentionSnapshot';
import type { LayerShape, SignalSpec } from '~/shared/snapshotFile';

/** Mean over the examples for one head; NaN when the layer lacks the signal. */
export function headValue({ values }: Signal, layers: readonly LayerShape[], layer: number, head: number): number {
  const own = values[layer];
  if (!own) return Number.NaN;
  const { heads } = layers[layer]!;
  let sum = 0;
  for (let at = head; at < own.length; at += heads) sum += own[at]!;
  return (sum * heads) / own.length;
}

/** The signal's value for a uniform map of that layer; null = does not apply. */
export const baselineAt = ({ baseline }: SignalSpec, layer: number): number | null =>
  Array.isArray(baseline) ? (baseline[layer] ?? null) : baseline;

/** The name for what a head attends to, where a signal gives one; the rule is in shared/snapshotFile.ts. */
export function nameOfHead(
  of: readonly { signal: SignalSpec; value: number; baseline: number | null }[],
): { title: string; value: number } | null {
  let best: { title: string; value: number } | null = null;
  for (const { signal, value, baseline } of of) {
    if (!signal.names) continue;
    const least = Math.max(signal.names.atLeast, baseline === null ? 0 : Math.min(1, 2 * baseline));
    if (value >= least && !(best && best.value >= value)) best = { title: signal.names.title, value };
  }
  return best;
}

export interface SignalInfo {
  title: string;
  meaning: string;
  range: readonly [number, number] | null;
  /** Baseline, equal for all requested layers; null = it differs, or does not apply. */
  baseline: number | null;
}

/** A signal as the snapshot declares it; for a signal that the snapshot lacks, only its name is known. */
export function signalInfo({ signals }: AttentionSnapshot, name: string, layers: readonly number[]): SignalInfo {
  const spec = signals.find((s) => s.name === name);
  if (!spec) return { title: name, meaning: '', range: null, baseline: null };
  const baselines = new Set(layers.map((l) => baselineAt(spec, l)));
  const [only] = baselines;
  return { title: spec.title, meaning: spec.meaning, range: spec.range, baseline: baselines.size === 1 ? (only ?? null) : null };
}

/** No recorded snapshot has a number about a head, and the shown one declares none. */
export const measuresNothing = ({ signals }: AttentionSnapshot, names: readonly string[]): boolean =>
  names.length === 0 && signals.length === 0;

export const nothingMeasured = 'The trainer measures nothing about the heads of this run.';

/** The signal to show first: the main one that the snapshot declares, else the first. */
export const mainSignal = ({ signals }: AttentionSnapshot, names: readonly string[]): string | undefined =>
  signals.find((s) => s.main && names.includes(s.name))?.name ?? names[0];
