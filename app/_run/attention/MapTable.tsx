import { memo } from 'react';
import type { Token } from '~/app/_charts/attention/tokens';

/** The large map as a table: the same numbers for those who do not see the colours. */
export const MapTable = memo(function MapTable({
  values,
  queries,
  keys,
  tokens,
  where,
}: {
  values: Float32Array;
  queries: number;
  keys: number;
  tokens: readonly Token[];
  where: string;
}) {
  const place = (n: number) => Array.from({ length: n }, (_, i) => i);
  const digits = (v: number) => (Number.isFinite(v) ? v.toFixed(3) : String(v));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by key.
    <section className="max-h-[32rem] overflow-auto" tabIndex={0} aria-label={`table: ${where}`}>
      <table className="border-collapse font-mono text-[10px]" data-testid="map-table">
        <caption className="sr-only">{where}: rows are queries, columns are keys</caption>
        <thead>
          <tr>
            <th scope="col" className="sticky top-0 left-0 z-10 bg-panel px-1 text-dim">
              query \ key
            </th>
            {place(keys).map((k) => (
              <th key={k} scope="col" className="sticky top-0 bg-panel px-1 font-medium" title={tokens[k]?.name}>
                {k + 1}
                <span className="text-dim">:{tokens[k]?.text}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {place(queries).map((q) => (
            <tr key={q}>
              <th scope="row" className="sticky left-0 bg-panel px-1 text-left font-medium" title={tokens[q]?.name}>
                {q + 1}
                <span className="text-dim">:{tokens[q]?.text}</span>
              </th>
              {place(keys).map((k) => (
                <td key={k} className="px-1 text-right">
                  {digits(values[q * keys + k]!)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
});
