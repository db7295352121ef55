import { Compare } from '~/app/_compare/Compare';
import { fromCompareLink } from '~/app/_compare/link';

export default async function Page({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  const params = await searchParams;
  const text = (name: string) => (typeof params[name] === 'string' ? params[name] : null);
  return <Compare start={fromCompareLink({ get: text })} />;
}
