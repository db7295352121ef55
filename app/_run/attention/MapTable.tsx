import { memo } from 'react';
import type { MapTokens } from '~/app/_charts/attention/tokens';
import { type MapSize, visibleKeys } from '~/shared/attention';

interface MapTableProps {
  values: Float32Array;
  size: MapSize;
  tokens: MapTokens;
  where: string;
}

/** The large map as a table: the same numbers for people who cannot see the colors. */
export const MapTable = memo(function MapTable({ values, size, tokens, where }: MapTableProps) {
  const { queries, keys } = size;
  const place = (n: number) => Array.from({ length: n }, (_, i) => i);
  const digits = (v: number) => (Number.isFinite(v) ? v.toFixed(3) : String(v));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard.
    <section className="relative max-h-[32rem] overflow-auto" tabIndex={0} aria-label={`table: ${where}`}>
      <table className="border-collapse font-mono text-[10px]" data-testid="map-table">
        <caption className="sr-only">{where}: rows are queries, columns are keys</caption>
        <thead>
          <tr>
            <th scope="col" className="sticky top-0 left-0 z-10 bg-panel px-1 text-dim">
              query \ key
            </th>
            {place(keys).map((k) => (
              <th key={k} scope="col" className="sticky top-0 bg-panel px-1 font-medium" title={tokens.keys[k]?.name}>
                {k + 1}
                <span className="text-dim">:{tokens.keys[k]?.text}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {place(queries).map((q) => (
            <tr key={q}>
              <th scope="row" className="sticky left-0 bg-panel px-1 text-left font-medium" title={tokens.queries[q]?.name}>
                {q + 1}
                <span className="text-dim">:{tokens.queries[q]?.text}</span>
              </th>
              {place(keys).map((k) => (
                <td key={k} className="px-1 text-right">
                  {k < visibleKeys(size, q) ? digits(values[q * keys + k]!) : <span className="text-dim">masked</span>}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
});
