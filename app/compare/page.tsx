import { decodeComparison } from '../_live/comparison';
import { alignments } from '../_panels/compare/align';
import { Compare } from '../_panels/compare/Compare';

export default async function Page({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  const { runs, x, attention } = await searchParams;
  const ids = typeof runs === 'string' ? [...new Set(runs.split(',').filter(Boolean))].slice(0, 10) : [];
  return (
    <Compare
      start={{
        runs: ids,
        x: alignments.find((a) => a === x) ?? 'step',
        attention: typeof attention === 'string' ? decodeComparison(attention) : null,
      }}
    />
  );
}
