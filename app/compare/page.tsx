import { Compare } from '~/app/_compare/Compare';

export default async function Page({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  return <Compare params={await searchParams} />;
}
