import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTrpc } from '~/app/_trpc/client';

/** The available columns, read while `wanted`; `titles` by the columns' keys. */
export function useCatalog(wanted: boolean) {
  const { data, error } = useQuery({ ...useTrpc().runs.columns.queryOptions(), enabled: wanted, staleTime: 10_000 });
  const titles = useMemo(
    () => new Map([...(data?.settings ?? []), ...(data?.series ?? []), ...(data?.results ?? [])].map((c) => [c.key, c.title])),
    [data],
  );
  return { catalog: data ?? null, error, titles };
}
