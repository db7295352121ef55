import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** test/fixtures/protocol: each message in readable form (`{"$f64": [numbers]}` is an array of doubles) and as bytes on the wire. */
export const goldenFolder = fileURLToPath(new URL('../fixtures/protocol/', import.meta.url));

export interface GoldenFrame {
  name: string;
  message: unknown;
  bytes: Uint8Array;
}

export const goldenMessage = (name: string): unknown =>
  read(JSON.parse(readFileSync(join(goldenFolder, `${name}.json`), 'utf8')));

export const goldenNames = (): string[] =>
  readdirSync(goldenFolder)
    .filter((f) => f.endsWith('.json'))
    .map((f) => f.slice(0, -'.json'.length));

export const goldenFrames = (): GoldenFrame[] =>
  goldenNames().map((name) => ({
    name,
    message: goldenMessage(name),
    bytes: new Uint8Array(readFileSync(join(goldenFolder, `${name}.bin`))),
  }));

function read(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(read);
  const entries = Object.entries(value);
  const [key, inner] = entries[0] ?? [];
  if (entries.length === 1 && key === '$') return Number(inner);
  if (entries.length === 1 && key === '$f64' && Array.isArray(inner))
    return Float64Array.from(inner.map((v) => read(v) as number));
  return Object.fromEntries(entries.map(([k, v]) => [k, read(v)]));
}
