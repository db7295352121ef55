import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useTrpc } from '../_trpc/client';
import { personVariable } from './Avatars';

/** Makes the colours that people chose known to the page, as CSS variables. */
export function PeopleColours() {
  const { data } = useQuery({
    ...useTrpc().team.people.queryOptions(),
    staleTime: 30_000,
    refetchInterval: 60_000,
    retry: false,
  });
  useEffect(() => {
    for (const { id, colour } of data ?? []) document.documentElement.style.setProperty(personVariable(id), colour);
  }, [data]);
  return null;
}
