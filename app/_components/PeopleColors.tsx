import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useTrpc } from '~/app/_trpc/client';
import { personVariable } from './Avatars';

const nobody: readonly string[] = [];

/** Publishes the colors that people chose as CSS variables. @param seen people on the page; a new one triggers a read at once */
export function PeopleColors({ seen = nobody }: { seen?: readonly string[] }) {
  const { data, refetch } = useQuery({
    ...useTrpc().team.people.queryOptions(),
    staleTime: 30_000,
    refetchInterval: 60_000,
    retry: false,
  });
  useEffect(() => {
    for (const { id, colour } of data ?? []) document.documentElement.style.setProperty(personVariable(id), colour);
  }, [data]);
  const key = seen.join();
  useEffect(() => {
    const known = document.documentElement.style;
    if (key !== '' && key.split(',').some((id) => !known.getPropertyValue(personVariable(id)))) void refetch();
  }, [key, refetch]);
  return null;
}
