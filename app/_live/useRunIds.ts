import { customAlphabet } from 'nanoid';
import { useCallback, useRef } from 'react';

const newRunId = customAlphabet('0123456789abcdefghijklmnopqrstuvwxyz', 10);

/**
 * Ids for the runs that a form asks for: the same ones as long as it asks for the same thing, `about`. A request whose answer was lost then starts nothing
 * twice when somebody sends it again.
 */
export function useRunIds(): (about: string, count: number) => readonly string[] {
  const given = useRef({ about: '', ids: [] as string[] });
  return useCallback((about, count) => {
    if (given.current.about !== about) given.current = { about, ids: Array.from({ length: count }, () => newRunId()) };
    return given.current.ids;
  }, []);
}
