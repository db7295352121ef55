import type { Config } from './setup';

/** The settings after a change: without those in `removed`, and with those in `config`, which are new or have changed. */
export function changedConfig(before: Config, { config = {}, removed = [] }: { config?: Config; removed?: string[] }): Config {
  const gone = new Set(removed);
  return { ...Object.fromEntries(Object.entries(before).filter(([name]) => !gone.has(name))), ...config };
}
