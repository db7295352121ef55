import { describe, expect, it } from 'vitest';
import { type HeadColumn, type HeadRow, sortRows } from '~/app/_charts/attention/HeadTable';
import { cellWords, tokensOf } from '~/app/_charts/attention/tokens';
import { ablationAt } from '~/app/_run/attention/analysisText';
import { headValue, mainSignal, nameOfHead, signalInfo } from '~/app/_run/attention/signalText';
import { parseAttentionSnapshot } from '~/shared/attentionSnapshot';
import type { SignalSpec } from '~/shared/snapshotFile';
import { column, identity, snapshotBytes } from '~/test/support/attentionMaps';

const T = 6;
const columns: HeadColumn[] = ['entropy', 'drift'].map((id) => ({ id, label: id, help: '', digits: 2 }));
const row = (head: number, values: number[], title?: string): HeadRow => ({
  layer: 0,
  head,
  values,
  name: title ? { title, value: 0.9 } : null,
});
const rows = [
  row(0, [1, Number.NaN], 'uniform'),
  row(1, [0, 0.2], 'mirror'),
  row(2, [0.8, 0.1]),
  row(3, [Number.NaN, 0.3], 'itself'),
];
const order = (id: string, down: boolean) => sortRows(rows, columns, { id, down }).map((r) => r.head);

describe('the table of heads', () => {
  it('sorts by any number, either way; what has none stays last', () => {
    expect(order('entropy', true)).toEqual([0, 2, 1, 3]);
    expect(order('entropy', false)).toEqual([1, 2, 0, 3]);
    expect(order('drift', true)).toEqual([3, 1, 2, 0]);
    expect(order('head', true)).toEqual([3, 2, 1, 0]);
    expect(order('name', false)).toEqual([3, 1, 0, 2]);
  });

  it('names a head by the signal that declares it, from the declared least and twice uniform on', () => {
    const signal = (name: string, atLeast: number): SignalSpec => ({
      ...{ name, title: name, meaning: '', range: [0, 1], baseline: 0.1 },
      names: { title: `on ${name}`, atLeast },
    });
    const of = (a: number, b: number, baseline = 0.1) =>
      nameOfHead([
        { signal: signal('a', 0.5), value: a, baseline },
        { signal: signal('b', 0.5), value: b, baseline },
      ])?.title ?? null;
    expect([of(0.6, 0.7), of(0.9, 0.7), of(0.49, 0.4), of(Number.NaN, 0.5)]).toEqual(['on b', 'on a', null, 'on b']);
    // With two keys half of the weight is what a uniform map gives.
    expect(of(0.6, 0.1, 0.5)).toBeNull();
  });

  it('shows what is declared: means over the examples, the main signal first, baselines where all layers agree', () => {
    const s = parseAttentionSnapshot(
      snapshotBytes({
        layers: 2,
        heads: 1,
        keys: 4,
        examples: [new Float32Array(32).fill(1 / 4), new Float32Array(32).fill(1 / 4)],
        // [E, L, H]
        signals: { entropy: [1, 0.5, 0, 0.25], antiDiagonal: [0.25, 0.25, 0.25, 0.25] },
      }),
    );
    const [entropy] = s.signals;
    expect([headValue(entropy!, s.layers, 0, 0), headValue(entropy!, s.layers, 1, 0)]).toEqual([0.5, 0.375]);
    expect(mainSignal(s, ['entropy', 'antiDiagonal'])).toBe('antiDiagonal');
    expect(mainSignal(s, ['loudness', 'entropy'])).toBe('loudness');
    expect(signalInfo(s, 'antiDiagonal', [0, 1]).baseline).toBe(0.25);
    expect(signalInfo(s, 'loudness', [0])).toEqual({ title: 'loudness', meaning: '', range: null, baseline: null });
    const uneven = { ...s, signals: [{ ...entropy!, baseline: [0.1, 0.2] }] };
    expect([signalInfo(uneven, 'entropy', [0, 1]).baseline, signalInfo(uneven, 'entropy', [1]).baseline]).toEqual([null, 0.2]);
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
    const tokens = tokensOf(s, { kind: 'example', example: 0 }, 0, null).keys;
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
    const tokens = tokensOf(s, { kind: 'example', example: 0 }, 0, (n) => `url${n}`).keys;
    expect(tokens.map((t) => [t.target, t.picked, t.picture])).toEqual([
      [false, false, 'url0'],
      [false, true, 'url1'],
      [true, false, 'url2'],
      [false, false, 'url3'],
    ]);
    expect(tokens[2]!.name).toBe('image 3 (odd one)');
    expect(tokensOf(s, { kind: 'mean', byTarget: true }, 0, null).keys.map((t) => t.text)).toEqual(['1', '2', '3', 'odd']);
  });

  it('a cell is read out with its numbers from 1', () => {
    expect(cellWords('layer 2 head 3', 4, 9, 0.6094)).toBe('layer 2 head 3, query 5 to key 10, 0.61');
    expect(cellWords('layer 1 head 1', 0, 0, Number.NaN)).toBe('layer 1 head 1, query 1 to key 1, NaN');
  });
});
