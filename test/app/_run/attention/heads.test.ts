import { describe, expect, it } from 'vitest';
import { type HeadRow, sortRows } from '~/app/_charts/attention/RoleTable';
import { cellWords, tokensOf } from '~/app/_charts/attention/tokens';
import { ablationAt } from '~/app/_run/attention/analysisText';
import { headScores, roleOf } from '~/shared/attention';
import { parseAttentionSnapshot } from '~/shared/attentionSnapshot';
import { column, identity, mirror, noise, seeded, snapshotBytes, uniform } from '~/test/support/attentionMaps';

const T = 6;
const row = (head: number, map: Float32Array, drift = 0): HeadRow => {
  const scores = headScores([map], { queries: T, keys: T }, null);
  return { layer: 0, head, scores, role: roleOf(scores, T), drift, ablation: null };
};
const rows = [
  row(0, uniform(T), Number.NaN),
  row(1, mirror(T), 0.2),
  row(2, noise(T, T, seeded(1)), 0.1),
  row(3, identity(T), 0.3),
];
const order = (id: string, down: boolean) => sortRows(rows, { id, down }).map((r) => r.head);

describe('the table of heads', () => {
  it('sorts by any number, either way; what has none stays last', () => {
    expect(order('entropy', true)[0]).toBe(0);
    expect(order('entropy', false).slice(-1)).toEqual([0]);
    expect(order('drift', true)).toEqual([3, 1, 2, 0]);
    expect(order('drift', false)).toEqual([2, 1, 3, 0]);
    expect(order('head', true)).toEqual([3, 2, 1, 0]);
    expect(order('role', false)).toEqual([1, 3, 0, 2]);
  });

  it('shows an ablation of the step it was made at, the newest one, and only of that head', () => {
    const analysis = (seq: number, step: number, mean: number) => ({
      type: 'analysis' as const,
      kind: 'ablateHeads',
      step,
      seq,
      at: 0,
      commandId: null,
      message: '',
      blob: null,
      summary: { 'mean.0.1': mean, 'zero.0.1': 2 },
    });
    const list = [analysis(1, 20, 0.5), analysis(2, 20, 0.7), analysis(3, 40, 0.9)];
    expect(ablationAt(list, 20, 0, 1)).toEqual({ mean: 0.7, zero: 2 });
    expect(ablationAt(list, 20, 0, 0)).toBeNull();
    expect(ablationAt(list, 30, 0, 1)).toBeNull();
  });
});

describe('tokens', () => {
  it('digits that repeat keep their own places; a forced error is marked at its place alone', () => {
    const inputs = [[7, 7, 3, 7, 0, 0]];
    const predictions = [[0, 0, 7, 9, 7, 7]];
    const s = parseAttentionSnapshot(
      snapshotBytes({ layers: 1, heads: 1, keys: T, examples: [identity(T)], inputs, predictions }),
    );
    const tokens = tokensOf(s, { kind: 'example', example: 0 }, null);
    expect(tokens.map((t) => t.name)).toEqual(['7', '7', '3', '7', '0', '0'].map((d, i) => `${d} at position ${i + 1}`));
    expect(tokens.map((t) => t.right)).toEqual([true, true, true, false, true, true]);
  });

  it('in a set the odd one and the picked one are named; averages by role have the odd one last', () => {
    const s = parseAttentionSnapshot(
      snapshotBytes({
        task: 'anomaly',
        layers: 1,
        heads: 1,
        keys: 4,
        examples: [column(4, 2)],
        labels: [[2]],
        predictions: [[1]],
      }),
    );
    const tokens = tokensOf(s, { kind: 'example', example: 0 }, (n) => `url${n}`);
    expect(tokens.map((t) => [t.odd, t.picked, t.picture])).toEqual([
      [false, false, 'url0'],
      [false, true, 'url1'],
      [true, false, 'url2'],
      [false, false, 'url3'],
    ]);
    expect(tokens[2]!.name).toBe('image 3 (odd one)');
    expect(tokensOf(s, { kind: 'mean', byRole: true }, null).map((t) => t.text)).toEqual(['1', '2', '3', 'odd']);
  });

  it('a cell is read out with its numbers from 1', () => {
    expect(cellWords('layer 2 head 3', 4, 9, 0.6094)).toBe('layer 2 head 3, query 5 to key 10, 0.61');
    expect(cellWords('layer 1 head 1', 0, 0, Number.NaN)).toBe('layer 1 head 1, query 1 to key 1, NaN');
  });
});
