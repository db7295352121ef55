/** Tables whose numbers, cells or separators are of kinds that few programs write. */
import { afterAll, describe, expect, it } from 'vitest';
import { ownFolder } from '~/test/support/folder';
import { readFiles, valuesIn } from '~/test/support/importing';

const folder = ownFolder();
afterAll(folder.remove);
const read = (text: string) => valuesIn(folder.path, { 'x.csv': text });
const two = { loss: { 0: 2.5, 10: 2.25 } };
const { NaN: nan } = Number;

describe('a table', () => {
  it.each([
    ['numpy.savetxt', '# step loss\n0.000000000000000000e+00 2.5\n1.000000000000000000e+01 2.25\n', two],
    ['columns aligned by spaces', '  step    loss\n     0     2.5\n    10    2.25  \n', two],
    ['NaN as C writes it', 'step,a\n0,-nan(ind)\n1,nan(snan)\n2,1.#SNAN\n3,1\n', { a: { 0: nan, 1: nan, 2: nan, 3: 1 } }],
    ['a typographic minus', 'step,a\n\u22121,\u22122.5\n0,3\n', { a: { '-1': -2.5, 0: 3 } }],
  ])('%s', async (_, text, series) => {
    expect(await read(text)).toEqual(series);
  });

  it('of more lines than a part of the file, separated by spaces, is read whole', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `${String(i).padStart(9)}   ${String(i / 2).padEnd(12)}\n`);
    const { loss } = await read(`step loss\n${lines.join('')}`);
    expect(loss).toEqual(Object.fromEntries(lines.map((_, i) => [i, i / 2])));
  });

  it('keeps its numbers beside a text of any length', async () => {
    const { runs } = await readFiles(folder.path, { 'x.csv': `step,loss,sample\n0,2.5,${'a word '.repeat(1000)}\n10,2.25,b\n` });
    expect(runs[0]!.series.get('loss')!.map(([step, , value]) => [step, value])).toEqual([
      [0, 2.5],
      [10, 2.25],
    ]);
    expect(runs[0]!.leftOut[0]).toMatch(/^column "sample" \(text such as "a word a word /);
    // Digits that are cut are no number.
    await expect(read(`step,loss\n0,1\n1,${'9'.repeat(5000)}\n`)).rejects.toThrow(/^line 3, column "loss": "9+/);
  });
});
