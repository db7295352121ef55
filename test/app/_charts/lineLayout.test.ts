/** The axes of a chart while its numbers arrive. */
import { expect, it } from 'vitest';
import { Curve } from '~/app/_charts/curve';
import { type ChartContent, layoutFor } from '~/app/_charts/lineLayout';
import type { LineSpec } from '~/app/_charts/types';
import { xMap } from '~/app/_charts/xMap';
import { createCursor } from '~/app/_live/cursor';

const size = { width: 360, height: 240 };
const curveOf = (values: readonly number[]) => {
  const curve = new Curve('accuracy', 100, null);
  for (const [step, value] of values.entries()) curve.append(step, value);
  return curve;
};
/** @param curves null: not read yet */
function chart(curves: readonly (Curve | null)[]): ChartContent {
  const lines = curves.map((curve, i): LineSpec => ({ name: `${i}`, label: `${i}`, color: i, curve: () => curve }));
  const cursor = createCursor();
  cursor.head(10);
  const settings = { smoothing: 0, log: false, robust: false };
  return { lines, points: [], rule: null, map: xMap('step', 1, []), settings, cursor, percent: true };
}

it('do not depend on which curve came first', () => {
  const [fine, coarse] = [curveOf([0.114, 0.1165, 0.1152]), curveOf([0.1, 0.9, 0.5])];
  const whole = chart([fine, coarse]);
  const expected = layoutFor(null, whole, size);
  const alone = [chart([fine, null]), chart([null, coarse])].map((first) => layoutFor(null, first, size));
  // Alone, the fine curve has longer labels and another range.
  expect(alone[0]!.left).toBeGreaterThan(expected.left);
  expect(alone.map((first) => layoutFor(first, whole, size))).toEqual([expected, expected]);
});

it('stay while the numbers of the same curves still fit, so that the plot does not move with every row', () => {
  const curve = curveOf([0.114, 0.1165, 0.1152]);
  const content = chart([curve]);
  const first = layoutFor(null, content, size);
  curve.append(3, 0.1158);
  const next = layoutFor(first, content, size);
  expect([next.left, next.y]).toEqual([first.left, first.y]);
});
