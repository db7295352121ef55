import { expect, it } from 'vitest';
import { rowHistory } from '~/app/_run/attention/rowHistory';
import { type AttentionSnapshot, parseAttentionSnapshot } from '~/shared/attentionSnapshot';
import { joined, noise, snapshotBytes } from '~/test/support/attentionMaps';
import { seeded } from '~/test/support/seeded';

const [layers, heads, T, examples] = [2, 3, 7, 2];
const random = seeded(9);
const other = [Array(T).fill(9), Array(T).fill(8)];
const archive = [0, 20, 40, 60].map((step) => {
  const maps = Array.from({ length: examples }, () =>
    joined(...Array.from({ length: layers * heads }, () => noise(T, T, random, 2))),
  );
  // At step 40 the team looked at other examples.
  return {
    step,
    maps,
    bytes: snapshotBytes({ step, layers, heads, keys: T, examples: maps, ...(step === 40 && { inputs: other }) }),
  };
});
const snapshots = archive.map(({ bytes }) => parseAttentionSnapshot(bytes));
const feed = (held: (s: AttentionSnapshot) => boolean) => ({
  recorded: archive.map(({ step }, n) => ({ step, seq: n + 1, blob: { hash: String(step), bytes: 1 }, examples })),
  peek: (r: { step: number }) => snapshots.find((s) => s.step === r.step && held(s)) ?? null,
});

it('the history of a cell is the archive, exactly, at 20 random places', () => {
  for (let seed = 0; seed < 20; seed++) {
    const at = seeded(100 + seed);
    const pick = (n: number) => Math.floor(at() * n);
    const [l, h, i, j, e] = [pick(layers), pick(heads), pick(T), pick(T), pick(examples)];
    const history = rowHistory(
      feed(() => true),
      snapshots[3]!,
      { layer: l, head: h },
      e,
      i,
    );
    expect([...history.steps]).toEqual([0, 20, 60]);
    for (const [n, step] of [...history.steps].entries()) {
      const maps = archive.find((a) => a.step === step)!.maps[e]!;
      expect(history.rows[n * T + j], `seed ${seed}, step ${step}`).toBe(maps[((l * heads + h) * T + i) * T + j]);
    }
  }
});

it('steps that are not loaded, or are of other examples, are left out, and it says of how many that is', () => {
  const some = rowHistory(
    feed((s) => s.step !== 20),
    snapshots[0]!,
    { layer: 0, head: 0 },
    0,
    0,
  );
  expect([[...some.steps], some.recorded]).toEqual([[0, 60], 4]);
  expect([
    ...rowHistory(
      feed(() => true),
      snapshots[2]!,
      { layer: 0, head: 0 },
      1,
      0,
    ).steps,
  ]).toEqual([40]);
});
